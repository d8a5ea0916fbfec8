"use client";
/** Blocks 7 and 8: what each decision does, who decides, and the two buttons. The sentences stand before the button, not behind it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import type { QuarantineItem } from "@/live/types";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { TextArea } from "@/ui/field";
import { CommandLine } from "@/ui/hash";
import { Status } from "@/ui/status";
import { Time } from "@/ui/time";
import { useOwnName, usePermission } from "../shell/use-permission";
import { isDecided, stateTitles, stateTones } from "./words";

const reasonLengthMin = 3;

export function Decision({ item }: { item: QuarantineItem }) {
  return (
    <aside
      aria-label="Decision"
      className="flex flex-col gap-4 rounded-md border border-line-strong bg-surface p-4 lg:sticky lg:top-4"
    >
      <div className="flex items-center justify-between gap-3">
        <h2 className="font-semibold">Decision</h2>
        <Status tone={stateTones[item.state]}>{stateTitles[item.state]}</Status>
      </div>
      <Who item={item} />
      {!isDecided(item.state) && (
        <>
          <Choice item={item} />
          <div className="flex flex-col gap-1.5 border-line border-t pt-3">
            <p className="text-ink-faint text-xs">The same by command</p>
            <CommandLine command={`npx redoubt quarantine release ${item.requestId} --reason "…"`} />
            <CommandLine command={`npx redoubt quarantine confirm ${item.requestId} --reason "…"`} />
          </div>
        </>
      )}
    </aside>
  );
}

function Who({ item }: { item: QuarantineItem }) {
  const { who } = item;
  return (
    <div className="flex flex-col gap-1 text-ink-soft">
      {item.severity === "high" && <p>High severity: a release takes two persons.</p>}
      {who.claimedBy !== null && <p>Claimed by {inert(who.claimedBy)}.</p>}
      {who.releaseRequestedBy !== null && (
        <p>Release asked for by {inert(who.releaseRequestedBy)}; another person must approve.</p>
      )}
      {who.deadline !== null && (
        <p>
          Held until <Time iso={who.deadline} />: its client waits. Then it is rejected for good.
        </p>
      )}
      {who.decidedBy !== null && (
        <p className="text-ink">
          Decided by {inert(who.decidedBy)}
          {who.decidedAt !== null && (
            <>
              {" "}
              at <Time iso={who.decidedAt} />
            </>
          )}
          {who.decisionReason !== null && `: “${inert(who.decisionReason)}”`}
        </p>
      )}
      {who.notes.map((note) => (
        <p key={`${note.at} ${note.by}`}>
          {inert(note.by)}: {inert(note.text)}
        </p>
      ))}
    </div>
  );
}

function Choice({ item }: { item: QuarantineItem }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const mayRelease = usePermission("quarantine.release");
  const mayConfirm = usePermission("quarantine.confirm");
  const ownName = useOwnName();
  const [reason, setReason] = useState("");
  const [rerun, setRerun] = useState(false);
  const [asked, setAsked] = useState(false);
  const onSettled = () => queryClient.invalidateQueries({ queryKey: trpc.quarantine.pathKey() });
  const release = useMutation(trpc.quarantine.release.mutationOptions({ onSettled }));
  const confirm = useMutation(trpc.quarantine.confirm.mutationOptions({ onSettled }));
  const claim = useMutation(trpc.quarantine.claim.mutationOptions({ onSettled }));
  if (!mayRelease && !mayConfirm) return <p className="text-ink-soft">Your role may look, but not decide.</p>;

  const given = reason.trim();
  const tooShort = given.length < reasonLengthMin;
  const busy = release.isPending || confirm.isPending || claim.isPending;
  const failure = release.error ?? confirm.error ?? claim.error;
  const decide = (run: () => void) => {
    setAsked(true);
    if (!tooShort) run();
  };
  const { requestId } = item;
  const ownRequest = item.who.releaseRequestedBy !== null && item.who.releaseRequestedBy === ownName;
  return (
    <>
      {item.claimedBy === null && item.state === "new" && (
        <Button size="sm" className="self-start" disabled={busy} onClick={() => claim.mutate({ requestId })}>
          Claim
        </Button>
      )}
      <TextArea
        label="Reason"
        rows={2}
        value={reason}
        maxLength={500}
        onChange={(event) => setReason(event.target.value)}
        hint="Kept with the decision in the audit log."
        error={asked && tooShort ? "Expected a reason of at least 3 characters." : undefined}
      />
      {failure !== null && <Banner tone="bad" title={problemOf(failure).sentence} urgent />}
      {mayRelease && !ownRequest && (
        <Option
          title="If you release"
          sentences={rerun ? [...item.consequences.release, ...item.consequences.rerun] : item.consequences.release}
        >
          {item.consequences.rerun.length > 0 && (
            <label className="mb-2 flex items-start gap-2">
              <input
                type="checkbox"
                className="mt-1 accent-accent"
                checked={rerun}
                onChange={(event) => setRerun(event.target.checked)}
              />
              Run the request again as well
            </label>
          )}
          <Button
            look="primary"
            disabled={busy}
            onClick={() => decide(() => release.mutate({ requestId, reason: given, rerun }))}
          >
            Release
          </Button>
        </Option>
      )}
      {mayConfirm && (
        <Option title="If you confirm" sentences={item.consequences.confirm}>
          <Button
            look="danger"
            disabled={busy}
            onClick={() => decide(() => confirm.mutate({ requestId, reason: given }))}
          >
            Confirm
          </Button>
        </Option>
      )}
      <Option title="If you do nothing" sentences={item.consequences.nothing} />
    </>
  );
}

interface OptionProps {
  title: string;
  sentences: readonly string[];
  children?: ReactNode;
}

function Option({ title, sentences, children }: OptionProps) {
  return (
    <section className="border-line border-t pt-3">
      <h3 className="mb-1 font-medium">{title}</h3>
      <ul className="mb-2 list-disc pl-4 text-ink-soft marker:text-ink-faint">
        {sentences.map((sentence) => (
          <li key={sentence}>{inert(sentence)}</li>
        ))}
      </ul>
      {children}
    </section>
  );
}
