"use client";
import type { ReactNode } from "react";
/** What stands where an answer is missing: still loading, why it will not come, or that there is no such thing. */
import { problemOf } from "@/live/problem";
import { Banner } from "./banner";
import { Empty } from "./page";

export interface UnavailableProps {
  error: unknown;
  what: string;
  /** What may help when there is no such thing. */
  children?: ReactNode;
}

export function Unavailable({ error, what, children }: UnavailableProps) {
  if (error === null || error === undefined) return <Banner tone="idle" title={`Loading ${what}…`} />;
  const { sentence, isMissing } = problemOf(error);
  if (isMissing) return <Empty title={sentence}>{children}</Empty>;
  return (
    <Banner tone="bad" title={sentence} urgent>
      {what.charAt(0).toUpperCase() + what.slice(1)} cannot be shown now. It appears by itself once the manager answers.
    </Banner>
  );
}
