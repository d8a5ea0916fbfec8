"use client";
/** How each execution server says that it confines the processes that run the application's code; those alike share a line. */
import type { NodeDetail } from "@/live/types";
import { inert } from "@/text/inert";
import { Empty } from "@/ui/page";
import { groupsOf } from "./confinement-groups";

export function Confinement({ nodes }: { nodes: readonly NodeDetail[] }) {
  const { groups, silent } = groupsOf(nodes.flatMap(({ servers }) => servers));
  if (groups.length === 0 && silent.length === 0) return <Empty title="No execution server runs" />;
  return (
    <ul className="divide-y divide-line rounded-md border border-line bg-surface">
      {groups.map(({ sentence, means, servers }) => (
        <li key={sentence} className="grid gap-x-6 gap-y-1.5 px-3 py-2.5 lg:grid-cols-[minmax(0,14rem)_minmax(0,1fr)]">
          <span className="font-medium">{servers.join(", ")}</span>
          <div className="min-w-0">
            <ol aria-label="Layers, the outermost first" className="mb-1 flex flex-wrap gap-1">
              {means.map((layer) => (
                <li
                  key={layer}
                  className="rounded-sm border border-line bg-sunken px-1.5 font-mono text-2xs leading-[18px]"
                >
                  {inert(layer)}
                </li>
              ))}
            </ol>
            <p className="text-ink-soft">{inert(sentence)}</p>
          </div>
        </li>
      ))}
      {silent.length > 0 && (
        <li className="px-3 py-2.5 text-ink-soft">
          <span className="font-medium text-ink">{silent.join(", ")}</span>: has not said how its workers are confined.
        </li>
      )}
    </ul>
  );
}
