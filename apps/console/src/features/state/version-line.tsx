"use client";
/**
 * The versions of an object as a line, newest right: the verified ones follow each other, what came to nothing hangs below
 * the version it started from. One stop for the Tab key; arrows walk along the line.
 */
import { type KeyboardEvent, useEffect, useRef } from "react";
import type { StateVersion } from "@/live/types";
import { formatCount } from "@/text/format";
import { classes } from "@/ui/classes";
import { ScrollBox } from "@/ui/scroll-box";
import { keyOf } from "./version-tones";

export interface VersionLineProps {
  /** Ascending. */
  versions: readonly StateVersion[];
  selected: string;
  onSelect: (key: string) => void;
  hasWrongCopy: (version: StateVersion) => boolean;
}

const steps: Record<string, (index: number, last: number) => number> = {
  ArrowLeft: (index) => index - 1,
  ArrowRight: (index) => index + 1,
  Home: () => 0,
  End: (_, last) => last,
};

export function VersionLine({ versions, selected, onSelect, hasWrongCopy }: VersionLineProps) {
  const list = useRef<HTMLDivElement>(null);
  // The chosen version is brought into view when it changes, not whenever the line grows.
  useEffect(() => {
    const option = list.current?.querySelector(`[data-key="${selected}"]`);
    option?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [selected]);
  const walk = (event: KeyboardEvent) => {
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const last = versions.length - 1;
    const index = versions.findIndex((version) => keyOf(version) === selected);
    const next = versions[Math.min(last, Math.max(0, step(index, last)))];
    if (next === undefined) return;
    onSelect(keyOf(next));
    list.current?.querySelector<HTMLElement>(`[data-key="${keyOf(next)}"]`)?.focus({ preventScroll: true });
  };
  const opens = (index: number): boolean => {
    const [before, version] = [versions[index - 1], versions[index]];
    return (
      before !== undefined && version !== undefined && before.epoch !== version.epoch && version.status !== "invalid"
    );
  };
  return (
    <>
      <ScrollBox label="Version line" className="rounded-md border border-line bg-surface">
        <div
          ref={list}
          role="listbox"
          aria-label="Versions on the line"
          aria-orientation="horizontal"
          tabIndex={-1}
          onKeyDown={walk}
          className="flex w-max min-w-full px-3 pt-6 pb-2"
        >
          {versions.map((version, index) => (
            <Point
              key={keyOf(version)}
              version={version}
              opensEpoch={opens(index)}
              isEpochNamed={!opens(index + 1)}
              isFirst={index === 0}
              isLast={index === versions.length - 1}
              isSelected={keyOf(version) === selected}
              isWrong={hasWrongCopy(version)}
              onSelect={onSelect}
            />
          ))}
        </div>
      </ScrollBox>
      <Legend />
    </>
  );
}

const legend = [
  { look: "verified", word: "verified" },
  { look: "pending", word: "not decided yet" },
  { look: "invalid", word: "invalid" },
  { look: "wrong", word: "a replica holds other bytes" },
] as const;

function Legend() {
  return (
    <p className="mt-1.5 flex flex-wrap items-center gap-x-4 text-ink-soft text-xs">
      {legend.map(({ look, word }) => (
        <span key={look} className="inline-flex items-center gap-1.5">
          <span aria-hidden className={classes("inline-block size-2.5", looks[look])} />
          {word}
        </span>
      ))}
      <span className="text-ink-faint">Oldest left. Arrow keys walk along the line.</span>
    </p>
  );
}

/** Shapes differ as well as colours. */
const looks = {
  verified: "rounded-full bg-good-mark",
  pending: "rounded-full border-2 border-accent bg-surface",
  invalid: "rotate-45 rounded-[2px] bg-bad-mark",
  wrong: "rounded-[2px] bg-warn-mark",
} as const;

interface PointProps {
  version: StateVersion;
  opensEpoch: boolean;
  /** False where the next version opens another one: the names would lie upon each other. */
  isEpochNamed: boolean;
  isFirst: boolean;
  isLast: boolean;
  isSelected: boolean;
  isWrong: boolean;
  onSelect: (key: string) => void;
}

function Point({ version, opensEpoch, isEpochNamed, isFirst, isLast, isSelected, isWrong, onSelect }: PointProps) {
  const { number, epoch, status } = version;
  const hangs = status === "invalid";
  const line = classes("absolute top-[7px] h-0.5", status === "pending" ? "bg-accent/40" : "bg-line-strong");
  return (
    <button
      type="button"
      role="option"
      data-key={keyOf(version)}
      aria-selected={isSelected}
      aria-label={`Version ${number}, epoch ${epoch}, ${status}${isWrong ? ", a copy is wrong" : ""}`}
      tabIndex={isSelected ? 0 : -1}
      onClick={() => onSelect(keyOf(version))}
      className="group relative flex h-14 min-w-9 shrink-0 flex-col items-center rounded-sm px-1"
    >
      {opensEpoch && (
        <>
          <span aria-hidden className="absolute top-[-6px] bottom-1 left-0 border-line-strong border-l border-dashed" />
          {isEpochNamed && (
            <span aria-hidden className="absolute top-[-20px] left-0 whitespace-nowrap text-2xs text-ink-faint">
              epoch {formatCount(epoch)}
            </span>
          )}
        </>
      )}
      <span aria-hidden className={classes(line, "right-1/2 left-0", isFirst && "hidden")} />
      <span aria-hidden className={classes(line, "right-0 left-1/2", isLast && "hidden")} />
      {hangs && <span aria-hidden className="absolute top-2 left-1/2 h-4 border-bad-mark border-l-2 border-dotted" />}
      <span
        aria-hidden
        className={classes(
          "relative transition-transform group-hover:scale-125",
          hangs ? "mt-6 size-2.5" : "mt-0.5 size-3",
          looks[isWrong ? "wrong" : status],
          isSelected && "outline-2 outline-accent outline-offset-2",
        )}
      />
      <span
        aria-hidden
        className={classes(
          "absolute bottom-0.5 text-2xs",
          isSelected ? "font-semibold text-ink" : "text-ink-faint group-hover:text-ink",
        )}
      >
        {formatCount(number)}
      </span>
    </button>
  );
}
