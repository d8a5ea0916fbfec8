import type { ReactNode } from "react";
import { classes } from "./classes";
import { ToneIcon } from "./status";
import type { Tone } from "./tone";

const grounds: Record<Tone, string> = {
  good: "border-good-mark/40 bg-good-soft",
  warn: "border-warn-mark/45 bg-warn-soft",
  bad: "border-bad-mark/45 bg-bad-soft",
  idle: "border-line-strong bg-idle-soft",
  accent: "border-accent/40 bg-accent-soft",
};

export interface BannerProps {
  tone: Tone;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  /** Announced at once by screen readers when it appears. */
  urgent?: boolean;
  className?: string;
}

export function Banner({ tone, title, children, action, urgent = false, className }: BannerProps) {
  return (
    <div
      role={urgent ? "alert" : "status"}
      className={classes("flex items-start gap-2.5 rounded-md border px-3 py-2", grounds[tone], className)}
    >
      <ToneIcon tone={tone} className="mt-[3px] size-4" />
      <div className="min-w-0 flex-1 text-ink">
        <p className="font-medium">{title}</p>
        {children !== undefined && <div className="text-ink-soft">{children}</div>}
      </div>
      {action}
    </div>
  );
}
