/** Names and values in aligned columns: one pair in a row, or two where there is room for them. */
import type { ReactNode } from "react";
import { classes } from "./classes";

export type Fact = readonly [title: string, value: ReactNode];

const narrowColumns = "grid-cols-[minmax(84px,auto)_minmax(0,1fr)] gap-y-1.5";
const wideColumns =
  "grid-cols-[minmax(110px,auto)_1fr] gap-y-1 sm:grid-cols-[minmax(110px,auto)_1fr_minmax(90px,auto)_1fr]";

/** `wide`: two pairs in a row, from a small screen's width on. */
export function Facts({ facts, wide = false }: { facts: readonly Fact[]; wide?: boolean }) {
  return (
    <dl className={classes("grid gap-x-4", wide ? wideColumns : narrowColumns)}>
      {facts.map(([title, value]) => (
        <div key={title} className="contents">
          <dt className="text-ink-faint">{title}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
