"use client";
/** One counted edge: a line with its direction and how much goes over it now. Dots run along it only while something does. */
import { ChevronDown, ChevronLeft, ChevronRight, ChevronUp } from "lucide-react";
import { formatRate } from "@/text/format";
import { classes } from "@/ui/classes";

export interface EdgeProps {
  direction: "right" | "left" | "down" | "up";
  /** What travels here, in the paper's words. */
  what: string;
  /** Null: not known. */
  ratePerSecond: number | null;
  className?: string;
}

const heads = { right: ChevronRight, left: ChevronLeft, down: ChevronDown, up: ChevronUp } as const;

export function Edge({ direction, what, ratePerSecond, className }: EdgeProps) {
  const vertical = direction === "down" || direction === "up";
  const rate = ratePerSecond === null ? "–" : `${formatRate(ratePerSecond)}/s`;
  const busy = ratePerSecond !== null && ratePerSecond > 0;
  const Head = heads[direction];
  const backwards = direction === "left" || direction === "up";
  return (
    <div
      className={classes(
        "relative flex min-h-10 min-w-16 items-center justify-center",
        vertical ? "flex-row gap-2" : "flex-col",
        className,
      )}
    >
      {!vertical && <Label what={what} rate={rate} className="text-center" />}
      <span className={classes("relative flex items-center", vertical ? "h-full w-3.5 flex-col" : "h-3.5 w-full")}>
        {backwards && (
          <Head aria-hidden className={classes("size-3.5 shrink-0 text-ink-faint", endMargin[direction])} />
        )}
        <svg aria-hidden className={classes("min-h-0 min-w-0 flex-1", vertical ? "w-3.5" : "h-3.5 w-full")}>
          <line
            x1={vertical ? "50%" : backwards ? "100%" : "0"}
            y1={vertical ? (backwards ? "100%" : "0") : "50%"}
            x2={vertical ? "50%" : backwards ? "0" : "100%"}
            y2={vertical ? (backwards ? "0" : "100%") : "50%"}
            strokeWidth="1.5"
            strokeLinecap="round"
            className={busy ? "edge-flow stroke-accent" : "stroke-line-strong"}
          />
        </svg>
        {!backwards && (
          <Head aria-hidden className={classes("size-3.5 shrink-0 text-ink-faint", endMargin[direction])} />
        )}
      </span>
      {vertical && <Label what={what} rate={rate} />}
    </div>
  );
}

/** Draws the arrow head onto the end of its line. */
const endMargin = { right: "-ml-2", left: "-mr-2", down: "-mt-2", up: "-mb-2" } as const;

function Label({ what, rate, className }: { what: string; rate: string; className?: string }) {
  return (
    <span className={classes("text-2xs leading-[14px]", className)}>
      <span className="block text-ink-faint">{what}</span>
      <span className="block font-medium text-ink">{rate}</span>
    </span>
  );
}
