"use client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useSearchParams } from "next/navigation";
import { useCallback } from "react";
import { AsOf } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import { formatCount, plural } from "@/text/format";
import { CommandLine } from "@/ui/hash";
import { Empty, PageHeader } from "@/ui/page";
import { Unavailable } from "@/ui/unavailable";
import { FilterBar } from "./filter-bar";
import { type Filters, listInput, readFilters, writeFilters } from "./filters";
import { QuarantineTable } from "./quarantine-table";

export function QuarantinePanel() {
  const filters = readFilters(new URLSearchParams(useSearchParams().toString()));
  const trpc = useTRPC();
  const { data, error } = useQuery({
    ...trpc.quarantine.list.queryOptions(listInput(filters)),
    refetchInterval: beatMs,
    placeholderData: keepPreviousData,
  });
  // Next follows the address without asking the server for the page again; the list asks for itself.
  const change = useCallback((next: Filters) => {
    window.history.replaceState(null, "", `/quarantine${writeFilters(next)}`);
  }, []);
  return (
    <>
      <PageHeader
        title="Quarantine"
        sentence="Requests in L1 that carry a fault or match one. Doing nothing keeps them here; nothing expires into release."
        actions={<span className="text-ink-faint text-xs">{data !== undefined && <AsOf iso={data.asOf} />}</span>}
      />
      <FilterBar filters={filters} onChange={change} />
      {data === undefined ? (
        <Unavailable error={error} what="the quarantine" />
      ) : (
        <>
          {data.items.length === 0 ? (
            <Nothing filtered={writeFilters(filters) !== ""} decided={data.counts.confirmed + data.counts.released} />
          ) : (
            <QuarantineTable items={data.items} />
          )}
          <p className="mt-2 text-ink-faint text-xs">
            {plural(data.total, "request")} match
            {data.items.length < data.total && `, the newest ${formatCount(data.items.length)} are shown`}.
          </p>
        </>
      )}
      <div className="mt-6 max-w-md">
        <CommandLine command="npx redoubt quarantine list" />
      </div>
    </>
  );
}

function Nothing({ filtered, decided }: { filtered: boolean; decided: number }) {
  if (filtered)
    return <Empty title="Nothing matches these filters">New requests that match appear here by themselves.</Empty>;
  return (
    <Empty title="Nothing waits for a decision">
      A request that fails its acceptance test appears here within two seconds.
      {decided > 0 && ` ${formatCount(decided)} were decided before; choose the state “All” to see them.`}
    </Empty>
  );
}
