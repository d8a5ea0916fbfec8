/**
 * Where a request's milliseconds went: the regulator's hops as phases that follow each other without a gap, and as lanes of
 * who did what meanwhile. All on one clock, the regulator's. Pure.
 */
import type { RequestHop } from "@redoubt/shared";
import { type Lane, lanesOf } from "./lanes.ts";
import { type Phase, type PhaseName, phaseOfState } from "./phases.ts";

export interface Timeline {
  phases: Phase[];
  lanes: Lane[];
  /** When the client was answered; null while it waits. */
  answeredMs: number | null;
  endMs: number;
}

/** `nowMs`: how long ago it was admitted, for a request under way; null for one that has ended. */
export function timelineOf(hops: readonly RequestHop[], nowMs: number | null): Timeline {
  const story = hops.filter((hop) => hop.kind !== "repeated" && !(hop.kind === "answered" && hop.because === "logged"));
  const last = story.at(-1)?.ms ?? 0;
  const answered = story.find((hop) => hop.kind === "answered" && hop.because !== "patience");
  const endMs = Math.max(last, nowMs ?? 0, 0.1);
  const overMs = answered?.ms ?? (nowMs === null ? last : endMs);
  return {
    phases: phasesOf(story, overMs),
    lanes: lanesOf(story, overMs, nowMs !== null),
    answeredMs: answered?.ms ?? null,
    endMs,
  };
}

function phasesOf(hops: readonly RequestHop[], overMs: number): Phase[] {
  const phases: Phase[] = [];
  const enter = (name: PhaseName, fromMs: number) => {
    const open = phases.at(-1);
    if (open !== undefined) open.toMs = fromMs;
    if (open?.name !== name) phases.push({ name, fromMs, toMs: overMs });
    else open.toMs = overMs;
  };
  for (const hop of hops) {
    if (hop.ms > overMs) break;
    if (hop.kind === "entered") {
      if (hop.state === "running") enter("executing", hop.ms);
      else if (phaseOfState[hop.state] !== undefined) enter(phaseOfState[hop.state] as PhaseName, hop.ms);
    }
    // The first member's answer ends what the execution server alone can be slow with.
    if (hop.kind === "acknowledged" && phases.at(-1)?.name === "executing") enter("collecting", hop.ms);
  }
  return phases.map((phase) => ({ ...phase, toMs: Math.min(phase.toMs, overMs) }));
}

/** Sums per phase in the order of their first appearance; a request may be executed more than once. */
export function sumsOf(phases: readonly Phase[]): { name: PhaseName; ms: number; times: number }[] {
  const sums = new Map<PhaseName, { name: PhaseName; ms: number; times: number }>();
  for (const { name, fromMs, toMs } of phases) {
    const sum = sums.get(name) ?? { name, ms: 0, times: 0 };
    sum.ms += Math.max(0, toMs - fromMs);
    sum.times += 1;
    sums.set(name, sum);
  }
  return [...sums.values()];
}

/** Round moments for the axis: at most about six, the first at 0. */
export function ticksOf(endMs: number, wanted = 6): number[] {
  const rough = endMs / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(endMs / step) + 1 }, (_, index) => index * step);
}

/** 0.42 → "0.42 ms", 4.5 → "4.5 ms", 412 → "412 ms", 3120 → "3.12 s". */
export function formatMs(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
