"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import type { DegreeChange } from "@/live/types";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { useNow } from "@/ui/clock";
import { ProgressBar } from "@/ui/progress";
import { Status } from "@/ui/status";
import { Time } from "@/ui/time";
import type { Tone } from "@/ui/tone";
import { usePermission } from "../shell/use-permission";

const tones: Record<DegreeChange["state"], Tone> = { running: "accent", done: "good", stopped: "warn", failed: "bad" };
/** What is over is told for a while and then left to the audit log. */
const shownAfterEndMs = 120_000;

export function ChangeProgress({ change }: { change: DegreeChange }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const nowMs = useNow();
  const mayStop = usePermission("degree.apply");
  const onSettled = () => queryClient.invalidateQueries({ queryKey: trpc.degrees.pathKey() });
  const stop = useMutation(trpc.degrees.stop.mutationOptions({ onSettled }));
  const ended = change.endedAt !== null;
  if (ended && nowMs !== null && nowMs - Date.parse(change.endedAt ?? "") > shownAfterEndMs) return null;
  return (
    <div className="flex max-w-2xl flex-col gap-1.5">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <Status tone={tones[change.state]}>
          {change.previous} → {change.wanted}: {change.state}, {change.live} live
        </Status>
        <span className="text-ink-faint text-xs">
          started by {inert(change.startedBy)}, <Time iso={change.startedAt} />
        </span>
      </div>
      {!ended && (
        <ProgressBar
          label="Steps done"
          done={change.stepsDone}
          total={change.stepsTotal}
          stuck={change.state !== "running"}
        />
      )}
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="text-ink-soft text-xs">{inert(change.detail)}</p>
        {mayStop && change.state === "running" && (
          <Button size="sm" disabled={stop.isPending} onClick={() => stop.mutate({ changeId: change.changeId })}>
            Stop after this step
          </Button>
        )}
      </div>
      {stop.isError && <Banner tone="bad" title={problemOf(stop.error).sentence} urgent />}
    </div>
  );
}
