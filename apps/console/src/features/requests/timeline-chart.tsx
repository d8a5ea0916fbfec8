"use client";
/** The timeline as a picture: phases as one bar with their sums, and a lane for each server. The table of hops says the same in words. */
import { Check, X } from "lucide-react";
import { classes } from "@/ui/classes";
import type { Lane, Mark, Span } from "./lanes";
import { type PhaseName, phaseTitles } from "./phases";
import { formatMs, sumsOf, type Timeline, ticksOf } from "./timeline";

/** Work is the accent, waiting is grey; hatched is what only happens when something has gone wrong. */
const phaseLooks: Record<PhaseName, string> = {
  "looked up": "bg-idle-mark",
  waiting: "bg-line-strong",
  executing: "bg-accent",
  collecting: "bg-accent/45",
  settling: "hatched text-idle-mark",
  surviving: "bg-idle-mark",
  "shadow runs": "hatched text-accent",
  closing: "hatched text-line-strong",
  fetching: "bg-idle-mark",
};

export function TimelineChart({ timeline }: { timeline: Timeline }) {
  return (
    <div className="rounded-md border border-line bg-surface p-3 sm:p-4">
      <Phases timeline={timeline} />
      <Lanes timeline={timeline} />
    </div>
  );
}

function Phases({ timeline: { phases, answeredMs } }: { timeline: Timeline }) {
  const sums = sumsOf(phases).filter(({ ms }) => ms > 0);
  const total = sums.reduce((sum, { ms }) => sum + ms, 0);
  return (
    <>
      <p className="mb-2">
        <strong className="font-semibold text-base">{formatMs(total)}</strong>{" "}
        <span className="text-ink-soft">
          {answeredMs === null ? "so far, and not answered yet" : "from admission to the answer"}
        </span>
      </p>
      <div aria-hidden className="flex h-3 gap-px overflow-hidden rounded-sm bg-sunken">
        {phases.map(({ name, fromMs, toMs }) => (
          <div
            key={`${name} ${fromMs}`}
            title={`${phaseTitles[name]}, ${formatMs(toMs - fromMs)}`}
            style={{ flexGrow: Math.max(toMs - fromMs, 0), flexBasis: toMs > fromMs ? 2 : 0 }}
            className={phaseLooks[name]}
          />
        ))}
      </div>
      <ul aria-label="Where the time went" className="mt-2.5 flex flex-wrap gap-x-5 gap-y-1 text-xs">
        {sums.map(({ name, ms, times }) => (
          <li key={name} className="flex items-center gap-1.5">
            <span aria-hidden className={classes("size-2.5 shrink-0 rounded-[2px]", phaseLooks[name])} />
            <span className="text-ink-soft">
              {phaseTitles[name]}
              {times > 1 && `, ${times} times`}
            </span>
            <span className="font-medium">{formatMs(ms)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

const laneTitles: Record<string, string> = { client: "Client", "traffic-regulator": "Traffic regulator" };

function Lanes({ timeline }: { timeline: Timeline }) {
  const { lanes, endMs, answeredMs } = timeline;
  // A little room at the right, so that the last mark is not cut.
  const scale = (ms: number) => `${(ms / (endMs * 1.015)) * 100}%`;
  const ticks = ticksOf(endMs);
  return (
    <div
      role="img"
      aria-label={`Timeline of ${lanes.length} participants over ${formatMs(endMs)}; the hops below say the same in words`}
      className="mt-4 grid grid-cols-[minmax(0,1fr)] sm:grid-cols-[max-content_minmax(0,1fr)]"
    >
      <span className="hidden sm:block" />
      <div className="relative h-5">
        {ticks.map((tick, index) => (
          <span
            key={tick}
            style={{ left: scale(tick) }}
            className={classes(
              "absolute top-0 whitespace-nowrap text-2xs text-ink-faint",
              index > 0 && "-translate-x-1/2",
            )}
          >
            {tick === 0 ? "0" : tickLabel(tick)}
          </span>
        ))}
      </div>
      {lanes.map((lane) => (
        <div key={lane.name} className="group contents">
          <span className="border-line py-[5px] pr-4 text-xs sm:border-t">{laneTitles[lane.name] ?? lane.name}</span>
          <div className="relative h-7 border-line border-t">
            {ticks.map((tick) => (
              <span
                key={tick}
                style={{ left: scale(tick) }}
                className="absolute inset-y-0 border-line border-l opacity-60"
              />
            ))}
            {answeredMs !== null && (
              <span
                style={{ left: scale(answeredMs) }}
                className="absolute inset-y-0 border-line-strong border-l border-dashed"
              />
            )}
            <Track lane={lane} scale={scale} />
          </div>
        </div>
      ))}
    </div>
  );
}

const tickLabel = (ms: number): string =>
  ms >= 1000 ? `${Number((ms / 1000).toFixed(2))} s` : `${Number(ms.toFixed(3))} ms`;

const spanLooks: Record<Span["look"], string> = {
  work: "h-3 bg-accent",
  wait: "h-1 bg-line-strong",
  shadow: "h-3 hatched text-accent",
};

const markLooks: Record<Mark["look"], string> = {
  good: "bg-good-mark text-surface",
  bad: "rounded-[3px] bg-bad-mark text-surface",
  warn: "rotate-45 rounded-[2px] bg-warn-mark text-transparent",
  plain: "border-[2.5px] border-ink-faint bg-surface text-transparent",
};

function Track({ lane: { spans, marks }, scale }: { lane: Lane; scale: (ms: number) => string }) {
  return (
    <>
      {spans.map(({ fromMs, toMs, look, isBad, title }) => (
        <span
          key={`${fromMs} ${toMs} ${title}`}
          title={title}
          style={{ left: scale(fromMs), width: `max(2px, ${scale(toMs - fromMs)})` }}
          className={classes(
            "absolute top-1/2 -translate-y-1/2 rounded-[2px]",
            spanLooks[look],
            isBad && (look === "work" ? "bg-bad-mark" : look === "shadow" ? "text-bad-mark" : ""),
          )}
        />
      ))}
      {marks.map(({ atMs, look, title }) => (
        <span
          key={`${atMs} ${title}`}
          title={title}
          style={{ left: scale(atMs) }}
          className={classes(
            "absolute top-1/2 flex size-3.5 -translate-x-1/2 -translate-y-1/2 items-center justify-center rounded-full",
            look === "warn" ? "size-2.5" : "",
            markLooks[look],
          )}
        >
          {look === "good" && <Check aria-hidden className="size-2.5" strokeWidth={4} />}
          {look === "bad" && <X aria-hidden className="size-2.5" strokeWidth={4} />}
        </span>
      ))}
    </>
  );
}

const legend: readonly { look: Mark["look"]; word: string }[] = [
  { look: "good", word: "passed, decided or answered" },
  { look: "plain", word: "stored, not asked to test" },
  { look: "bad", word: "failed or rejected" },
];

export function TimelineLegend() {
  return (
    <p className="mt-1.5 flex flex-wrap items-center gap-x-4 gap-y-1 text-ink-soft text-xs">
      <span className="inline-flex items-center gap-1.5">
        <span aria-hidden className="h-2.5 w-4 rounded-[2px] bg-accent" />
        executing
      </span>
      <span className="inline-flex items-center gap-1.5">
        <span aria-hidden className="h-1 w-4 rounded-[2px] bg-line-strong" />
        waiting
      </span>
      {legend.map(({ look, word }) => (
        <span key={look} className="inline-flex items-center gap-1.5">
          <span aria-hidden className={classes("size-2.5 rounded-full", markLooks[look])} />
          {word}
        </span>
      ))}
      <span className="text-ink-faint">Times are when the regulator heard of it.</span>
    </p>
  );
}
