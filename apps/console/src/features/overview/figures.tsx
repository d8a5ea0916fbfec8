"use client";
/** Four numbers an operator reads first, each with its last two minutes. */
import type { ReactNode } from "react";
import { useLive } from "@/live/live-provider";
import { formatCount, formatDuration, formatRate } from "@/text/format";
import { Sparkline } from "@/ui/sparkline";

/** Seconds shown; a page just opened starts with a narrower window, so that its lines are lines. */
const capacityMax = 120;
const capacityMin = 30;

interface FigureProps {
  title: string;
  value: ReactNode;
  note: ReactNode;
  values: readonly (number | null)[];
}

export function Figures({ logs }: { logs: { L1: number; L2: number; L3: number } }) {
  const { traffic, trafficHistory } = useLive();
  const depth = traffic?.logs ?? logs;
  const latency = traffic?.latencyMs ?? null;
  const oldestMs = traffic?.oldestPendingMs ?? null;
  return (
    <dl className="grid grid-cols-2 gap-y-4 border-line border-y py-3 xl:grid-cols-4">
      <Figure
        title="Requests per second"
        value={traffic === null ? "–" : formatRate(traffic.requestsPerSecond)}
        note={`L2, verified: ${formatCount(depth.L2)}`}
        values={trafficHistory.map(({ requestsPerSecond }) => requestsPerSecond)}
      />
      <Figure
        title="Reply latency, p99"
        value={latency === null ? "–" : formatDuration(latency.p99)}
        note={latency === null ? "nothing answered lately" : `p50 ${formatDuration(latency.p50)}`}
        values={trafficHistory.map(({ latencyMs }) => latencyMs?.p99 ?? null)}
      />
      <Figure
        title="Waiting for a reply (L3)"
        value={formatCount(depth.L3)}
        note={oldestMs === null ? "none is waiting" : `oldest ${formatDuration(oldestMs)}`}
        values={trafficHistory.map(({ logs: each }) => each.L3)}
      />
      <Figure
        title="Malformed (L1)"
        value={formatCount(depth.L1)}
        note="rejected, in all"
        values={trafficHistory.map(({ logs: each }) => each.L1)}
      />
    </dl>
  );
}

function Figure({ title, value, note, values }: FigureProps) {
  return (
    <div className="min-w-0 border-line pr-4 even:pl-4 xl:border-l xl:not-first:pl-4 xl:first:border-l-0 xl:last:pr-0">
      <dt className="text-ink-faint text-xs">{title}</dt>
      <dd className="flex items-end justify-between gap-3">
        <div className="min-w-0">
          <span className="block font-semibold text-xl tracking-tight">{value}</span>
          <span className="block truncate text-ink-faint text-xs">{note}</span>
        </div>
        <Sparkline
          values={values}
          capacity={Math.min(capacityMax, Math.max(capacityMin, values.length))}
          className="h-8 w-24 shrink-0 sm:w-32"
        />
      </dd>
    </div>
  );
}
