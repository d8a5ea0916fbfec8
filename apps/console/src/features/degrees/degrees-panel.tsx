"use client";
import type { FeedComponent } from "@redoubt/shared";
import { useQuery } from "@tanstack/react-query";
import { groupOrder } from "@/features/overview/tolerance";
import { AsOf } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { DegreeDetail } from "@/live/types";
import { CommandLine } from "@/ui/hash";
import { PageHeader } from "@/ui/page";
import { Unavailable } from "@/ui/unavailable";
import { DegreeRow } from "./degree-row";

export function DegreesPanel() {
  const trpc = useTRPC();
  const { data, error } = useQuery({ ...trpc.degrees.list.queryOptions(), refetchInterval: beatMs });
  const first = data?.[0];
  return (
    <>
      <PageHeader
        title="Replication degrees"
        sentence="How many servers of each kind run, and what that survives. Shown is what is observed, never the wish."
        actions={<span className="text-ink-faint text-xs">{first !== undefined && <AsOf iso={first.asOf} />}</span>}
      />
      {data === undefined ? (
        <Unavailable error={error} what="the degrees" />
      ) : (
        <ul className="divide-y divide-line border-line border-y">
          {inOrder(data).map((degree) => (
            <DegreeRow key={degree.component} degree={degree} />
          ))}
        </ul>
      )}
      <div className="mt-6 max-w-md">
        <CommandLine command="npx redoubt degree apply execution-server --count 5" />
      </div>
    </>
  );
}

function inOrder(degrees: readonly DegreeDetail[]): DegreeDetail[] {
  const place = (component: FeedComponent) => groupOrder.indexOf(component);
  return degrees.toSorted((one, other) => place(one.component) - place(other.component));
}
