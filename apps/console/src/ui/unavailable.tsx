"use client";
/** What stands where an answer is missing: still loading, or why it will not come. */
import { problemOf } from "@/live/problem";
import { Banner } from "./banner";

export function Unavailable({ error, what }: { error: unknown; what: string }) {
  if (error === null || error === undefined) return <Banner tone="idle" title={`Loading ${what}…`} />;
  return (
    <Banner tone="bad" title={problemOf(error).sentence} urgent>
      {what.charAt(0).toUpperCase() + what.slice(1)} cannot be shown now. It appears by itself once the manager answers.
    </Banner>
  );
}
