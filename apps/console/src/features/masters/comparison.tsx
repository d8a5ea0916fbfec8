"use client";
/** Do the masters' own databases hold the same? Reading all of them takes a while when there is much, so it is done when asked. */
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import type { MastersComparison } from "@/live/types";
import { formatCount } from "@/text/format";
import { Button } from "@/ui/button";
import { Hash } from "@/ui/hash";
import { Section } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Ago } from "@/ui/time";

/** As people say it; tables that are not named here keep their own names. */
const tableTitles: Record<string, string> = {
  DecidedSlot: "Slots",
  ObjectHead: "Objects",
  ObjectCluster: "Clusters",
  PrimaryLease: "Leases",
};

export function Comparison() {
  const trpc = useTRPC();
  const { data, error, refetch, isFetching } = useQuery({ ...trpc.masters.compare.queryOptions(), enabled: false });
  const isNew = data === undefined;
  useEffect(() => {
    if (isNew) void refetch();
  }, [isNew, refetch]);
  return (
    <Section
      id="compare"
      title="The same in every master's database?"
      aside={
        <span className="flex items-center gap-3">
          {data !== undefined && (
            <span>
              compared <Ago iso={data.at} />
            </span>
          )}
          <Button size="sm" disabled={isFetching} onClick={() => void refetch()}>
            {isFetching ? "Comparing…" : "Compare now"}
          </Button>
        </span>
      }
    >
      <div aria-live="polite">
        {data !== undefined ? (
          <Result comparison={data} />
        ) : error !== null && !isFetching ? (
          <Status tone="bad" wrap>
            {problemOf(error).sentence}
          </Status>
        ) : (
          <Status tone="idle">Comparing all rows of all masters…</Status>
        )}
      </div>
    </Section>
  );
}

function Result({ comparison }: { comparison: MastersComparison }) {
  const { equal, masters, differences, comparedAfter } = comparison;
  const tables = [...new Set(masters.flatMap(({ rows }) => Object.keys(rows)))].filter((table) => tableTitles[table]);
  // They apply the same slots at slightly different times, and only what stands at one slot can be compared.
  const areOnlyApart = !equal && differences.every((difference) => / has applied slot |; ask again$/.test(difference));
  return (
    <>
      <Status tone={equal ? "good" : areOnlyApart ? "idle" : "warn"} className="mb-2" wrap>
        {equal
          ? "Yes: every row of every table is equal on all masters."
          : areOnlyApart
            ? "Not comparable just now: they were never at the same slot. Compare again when there is less to do."
            : `No: ${differences.join("; ")}.`}
      </Status>
      {comparedAfter > 0 && (
        <p className="mb-2 text-ink-soft">
          Compared after slot {formatCount(comparedAfter)}. What is older is beyond the retention window, where each
          master tidies up in its own time: of that, only the newest version of each object is compared.
        </p>
      )}
      <Table label="Databases of the masters">
        <thead>
          <tr>
            <HeaderCell>Master</HeaderCell>
            <HeaderCell>Digest of all rows</HeaderCell>
            <HeaderCell numeric>Applied slot</HeaderCell>
            {tables.map((table) => (
              <HeaderCell key={table} numeric>
                {tableTitles[table]}
              </HeaderCell>
            ))}
          </tr>
        </thead>
        <tbody>
          {masters.map((master) => (
            <Row key={master.server}>
              <RowHeader className="whitespace-nowrap">{master.server}</RowHeader>
              <Cell>
                {master.reachable ? (
                  <Hash value={master.digest} digits={16} />
                ) : (
                  <Status tone="bad">does not answer</Status>
                )}
              </Cell>
              <Cell numeric>{master.reachable ? formatCount(master.appliedSlot) : "–"}</Cell>
              {tables.map((table) => (
                <Cell key={table} numeric>
                  {master.rows[table] === undefined ? "–" : formatCount(master.rows[table])}
                </Cell>
              ))}
            </Row>
          ))}
        </tbody>
      </Table>
    </>
  );
}
