/** Names and values in two aligned columns. */
import type { ReactNode } from "react";

export type Fact = readonly [title: string, value: ReactNode];

export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className="grid grid-cols-[minmax(84px,auto)_minmax(0,1fr)] gap-x-4 gap-y-1.5">
      {facts.map(([title, value]) => (
        <div key={title} className="contents">
          <dt className="text-ink-faint">{title}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
