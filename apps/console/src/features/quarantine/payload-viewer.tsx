"use client";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import type { QuarantinePayload } from "@/live/types";
import { formatBytes, formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { TextField } from "@/ui/field";
import { ScrollBox } from "@/ui/scroll-box";
import { Tabs } from "@/ui/tabs";
import { usePermission } from "../shell/use-permission";
import { bytesOf, decoded, hexLines, shownBytesMax, textSegments } from "./payload";

/** Asks for the bytes only when somebody wants them: reading them is a permission of its own and leaves an audit entry. */
export function PayloadViewer({ requestId }: { requestId: string }) {
  const trpc = useTRPC();
  const mayReadMasked = usePermission("payload.read");
  const mayUnmask = usePermission("payload.unmask");
  const [reason, setReason] = useState("");
  const payload = useMutation(trpc.quarantine.payload.mutationOptions());
  if (payload.data !== undefined) return <Bytes payload={payload.data} />;
  if (!mayReadMasked && !mayUnmask) {
    return <p className="text-ink-soft">Your role sees what is known about the request, but not its payload.</p>;
  }
  const given = reason.trim();
  const show = () => payload.mutate(given === "" ? { requestId } : { requestId, reason: given, unmask: true });
  return (
    <form
      className="flex flex-wrap items-end gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        show();
      }}
    >
      <TextField
        className="min-w-64 flex-1"
        label="Why you need to read the payload"
        hint={mayReadMasked ? "Without a reason, confidential fields stay masked." : "Recorded in the audit log."}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        required={!mayReadMasked}
        minLength={3}
        maxLength={500}
      />
      <Button type="submit" disabled={payload.isPending} className="mb-[21px]">
        Show payload
      </Button>
      {payload.isError && <Banner tone="bad" title={problemOf(payload.error).sentence} urgent className="w-full" />}
    </form>
  );
}

function Bytes({ payload }: { payload: QuarantinePayload }) {
  const all = useMemo(() => bytesOf(payload.bytesBase64), [payload]);
  const bytes = all.subarray(0, shownBytesMax);
  const cut = bytes.length < payload.sizeBytes;
  return (
    <div>
      <Tabs
        label="Payload as"
        tabs={[
          { value: "text", title: "Text", content: <TextView bytes={bytes} payload={payload} /> },
          { value: "hex", title: "Hex", content: <HexView bytes={bytes} /> },
          { value: "decoded", title: "Decoded", content: <DecodedView bytes={bytes} payload={payload} cut={cut} /> },
        ]}
      />
      <p className="mt-1.5 text-ink-faint text-xs">
        {formatBytes(payload.sizeBytes)}, {payload.contentType}
        {cut && `; the first ${formatCount(bytes.length)} bytes are shown`}
        {payload.maskedFields.length > 0 && `; masked: ${payload.maskedFields.join(", ")}`}
      </p>
    </div>
  );
}

/** Every view of the bytes in the same frame: monospaced, left to right whatever the bytes say, scrolling inside itself. */
function Frame({ label, wrap, children }: { label: string; wrap: boolean; children: ReactNode }) {
  return (
    <ScrollBox label={label} className="max-h-96 rounded-md border border-line bg-sunken">
      <pre
        dir="ltr"
        className={classes(
          "p-3 font-mono text-xs leading-[19px]",
          wrap ? "whitespace-pre-wrap break-all" : "whitespace-pre",
        )}
      >
        {children}
      </pre>
    </ScrollBox>
  );
}

function TextView({ bytes, payload }: { bytes: Uint8Array; payload: QuarantinePayload }) {
  return (
    <Frame label="Payload as text" wrap>
      {textSegments(bytes, payload.matched).map((segment) =>
        segment.why === null ? (
          <span key={segment.from}>{segment.text}</span>
        ) : (
          <mark
            key={segment.from}
            title={inert(segment.why)}
            className="rounded-[2px] bg-bad-soft text-bad underline decoration-2 decoration-bad-mark underline-offset-2"
          >
            {segment.text}
          </mark>
        ),
      )}
    </Frame>
  );
}

function HexView({ bytes }: { bytes: Uint8Array }) {
  const lines = hexLines(bytes).map((line) => `${line.offset}  ${line.hex}  ${line.text}`);
  return (
    <Frame label="Payload as hex" wrap={false}>
      {lines.join("\n")}
    </Frame>
  );
}

interface DecodedViewProps {
  bytes: Uint8Array;
  payload: QuarantinePayload;
  cut: boolean;
}

function DecodedView({ bytes, payload, cut }: DecodedViewProps) {
  const result = cut ? { problem: "It is too long to be decoded here." } : decoded(bytes, payload.contentType);
  if ("problem" in result) return <p className="text-ink-soft">{result.problem}</p>;
  return (
    <Frame label="Payload decoded" wrap>
      {result.text}
    </Frame>
  );
}
