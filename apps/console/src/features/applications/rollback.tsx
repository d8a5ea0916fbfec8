"use client";
/**
 * The one step back. What it does stands before the button; the version's name is typed, since this is pressed in a hurry.
 * What the dialog shows is taken when it opens, and holds still while data streams behind it.
 */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Undo2 } from "lucide-react";
import { useState } from "react";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import type { ApplicationsStatus, ApplicationVersion } from "@/live/types";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { TextArea, TextField } from "@/ui/field";
import { CommandLine } from "@/ui/hash";
import { usePermission } from "../shell/use-permission";
import { confirmationOf, type Difference, differenceOf } from "./comparison";

const reasonLengthMin = 3;

interface Offer {
  from: ApplicationVersion;
  to: ApplicationVersion;
  sentence: string;
}

function offerOf({ versions, current, rollback }: ApplicationsStatus): Offer | null {
  const from = versions.find(({ hash }) => hash === current);
  const to = versions.find(({ hash }) => hash === rollback?.to);
  return rollback === null || from === undefined || to === undefined ? null : { from, to, sentence: rollback.sentence };
}

export function Rollback({ status }: { status: ApplicationsStatus }) {
  const mayRollBack = usePermission("application.rollback");
  const [opened, setOpened] = useState<Offer | null>(null);
  const offer = offerOf(status);
  const { rollback } = status;
  if (rollback === null || offer === null)
    return <span className="text-ink-faint text-xs">No version to go back to</span>;
  if (!mayRollBack) return null;
  if (!rollback.possible) return <span className="max-w-80 text-ink-soft text-xs">{inert(rollback.sentence)}</span>;
  const isUrgent = status.breakers.some(({ state }) => state === "open");
  return (
    <>
      <Button look={isUrgent ? "danger" : "secondary"} onClick={() => setOpened(offer)}>
        <Undo2 aria-hidden className="size-4" />
        Roll back to version {rollback.version}
      </Button>
      {opened !== null && <RollbackDialog offer={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function RollbackDialog({ offer: { from, to, sentence }, onClose }: { offer: Offer; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const [asked, setAsked] = useState(false);
  const rollback = useMutation(
    trpc.applications.rollback.mutationOptions({
      onSuccess: onClose,
      onSettled: () => queryClient.invalidateQueries({ queryKey: trpc.applications.pathKey() }),
    }),
  );
  const confirmation = confirmationOf(to);
  const isTyped = typed.trim() === confirmation;
  const given = reason.trim();
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Roll back to version ${to.version}`}
      description={inert(sentence)}
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(true);
          if (isTyped && given.length >= reasonLengthMin) rollback.mutate({ to: to.hash, reason: given });
        }}
      >
        <Consequences from={from} to={to} difference={differenceOf(from, to)} />
        <TextArea
          label="Reason"
          rows={2}
          value={reason}
          maxLength={500}
          onChange={(event) => setReason(event.target.value)}
          hint="Kept with the decision in the audit log."
          error={asked && given.length < reasonLengthMin ? "Expected a reason of at least 3 characters." : undefined}
        />
        <TextField
          label={`Type ${confirmation} to confirm`}
          value={typed}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setTyped(event.target.value)}
          error={asked && !isTyped ? `Expected ${confirmation}.` : undefined}
        />
        {rollback.isError && <Banner tone="bad" title={problemOf(rollback.error).sentence} urgent />}
        <div className="flex flex-wrap items-center justify-between gap-3">
          <Button onClick={onClose}>Cancel</Button>
          <Button look="danger" type="submit" disabled={!isTyped || rollback.isPending}>
            {rollback.isPending ? "Rolling back…" : `Roll back to version ${to.version}`}
          </Button>
        </div>
        <CommandLine command={'npx redoubt app rollback --reason "…"'} />
      </form>
    </Dialog>
  );
}

const namesOf = (names: readonly string[]): string => names.map(inert).join(", ");

function Consequences({ from, to, difference }: Pick<Offer, "from" | "to"> & { difference: Difference }) {
  const { lost, gained, judgedOtherwise, schemas } = difference;
  const lines = [
    `Requests admitted from now on run on ${confirmationOf(to)}; those under way finish on ${confirmationOf(from)}.`,
    lost.length > 0 && `Clients can no longer call ${namesOf(lost)}.`,
    gained.length > 0 && `Clients can call ${namesOf(gained)} again.`,
    judgedOtherwise.length > 0 && `Judged by other checks again: ${namesOf(judgedOtherwise)}.`,
    ...schemas.map(({ type, from: before, to: after }) => `Schema of ${inert(type)}: version ${before} → ${after}.`),
    "No version of any object is changed or lost.",
  ].filter((line) => line !== false);
  return (
    <ul aria-label="What it does" className="flex list-disc flex-col gap-1 pl-4 text-ink-soft">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
