/** A state in three ways at once: icon, text, colour. The icon's shape alone tells good from bad. */
import { CircleAlert, CircleCheck, CircleDashed, CircleDot, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { classes } from "./classes";
import { type Tone, toneSoft, toneText } from "./tone";

const icons = {
  good: CircleCheck,
  warn: TriangleAlert,
  bad: CircleAlert,
  idle: CircleDashed,
  accent: CircleDot,
} as const satisfies Record<Tone, unknown>;

export function ToneIcon({ tone, className }: { tone: Tone; className?: string }) {
  const Icon = icons[tone];
  return <Icon aria-hidden className={classes("size-3.5 shrink-0", toneText[tone], className)} strokeWidth={2.25} />;
}

export interface StatusProps {
  tone: Tone;
  children: ReactNode;
  className?: string;
  /** A whole sentence, which may take several lines. */
  wrap?: boolean;
}

export function Status({ tone, children, className, wrap = false }: StatusProps) {
  return (
    <span
      className={classes(
        "inline-flex gap-1.5 align-middle",
        wrap ? "items-start" : "items-center whitespace-nowrap",
        className,
      )}
    >
      <ToneIcon tone={tone} className={wrap ? "mt-[3px]" : ""} />
      <span className={toneText[tone]}>{children}</span>
    </span>
  );
}

/** The same on a soft ground, for the one state that matters most in a place. */
export function Badge({ tone, children, className }: { tone: Tone; children: ReactNode; className?: string }) {
  return (
    <span
      className={classes(
        "inline-flex h-5 items-center gap-1 whitespace-nowrap rounded-sm px-1.5 font-medium text-2xs",
        toneSoft[tone],
        className,
      )}
    >
      <ToneIcon tone={tone} className="size-3" />
      {children}
    </span>
  );
}
