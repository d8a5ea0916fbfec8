"use client";
import { useQuery } from "@tanstack/react-query";
import { AsOf, useStale } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { MastersStatus } from "@/live/types";
import { formatBytes, formatCount, plural } from "@/text/format";
import { CommandLine } from "@/ui/hash";
import { PageHeader, Section } from "@/ui/page";
import { ProgressBar } from "@/ui/progress";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { Comparison } from "./comparison";
import { Placement } from "./placement";
import { Scrub } from "./scrub";
import { databaseOf, headlineOf, lagToneOf, retentionOf, roleTones, stateTone } from "./words";

const neverAsked = "1970-01-01T00:00:00.000Z";

export function MastersPanel() {
  const trpc = useTRPC();
  const { data, error } = useQuery({ ...trpc.masters.status.queryOptions(), refetchInterval: beatMs });
  const stale = useStale(data?.asOf ?? neverAsked);
  const headline = data === undefined ? null : headlineOf(data);
  return (
    <>
      <PageHeader
        title="Masters"
        sentence={
          headline !== null && (
            <Status tone={stale ? "idle" : headline.tone} wrap>
              {stale ? "What follows is stale: the manager has not answered lately." : headline.sentence}
            </Status>
          )
        }
        actions={<span className="text-ink-faint text-xs">{data !== undefined && <AsOf iso={data.asOf} />}</span>}
      />
      <div className="flex flex-col gap-7">
        <Section
          id="masters"
          title="State masters"
          aside={data?.decidedThrough == null ? undefined : `decided through slot ${formatCount(data.decidedThrough)}`}
        >
          {data === undefined ? (
            <Unavailable error={error} what="the masters" />
          ) : (
            <>
              <Masters status={data} stale={stale} />
              {retentionOf(data) !== null && <p className="mt-2 text-ink-soft">{retentionOf(data)}</p>}
            </>
          )}
        </Section>
        <Comparison />
        <Placement />
        {data !== undefined && <Scrub replicas={data.scrub} stale={stale} />}
      </div>
      <div className="mt-6 grid max-w-3xl gap-2 sm:grid-cols-3">
        <CommandLine command="npx redoubt masters status" />
        <CommandLine command="npx redoubt masters compare" />
        <CommandLine command="npx redoubt placement" />
      </div>
    </>
  );
}

function Masters({ status, stale }: { status: MastersStatus; stale: boolean }) {
  return (
    <Table label="State masters">
      <thead>
        <tr>
          <HeaderCell>Master</HeaderCell>
          <HeaderCell>State</HeaderCell>
          <HeaderCell>Role</HeaderCell>
          <HeaderCell>Node</HeaderCell>
          <HeaderCell numeric>Decided through</HeaderCell>
          <HeaderCell numeric>Applied slot</HeaderCell>
          <HeaderCell>Behind</HeaderCell>
          <HeaderCell>Own database</HeaderCell>
          <HeaderCell>Since</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {status.masters.map((master) => (
          <Row key={master.server}>
            <RowHeader className="whitespace-nowrap">{master.server}</RowHeader>
            <Cell>
              <Status tone={stale ? "idle" : stateTone(master.state)}>{stale ? "stale" : master.state}</Status>
            </Cell>
            <Cell>
              <Status tone={stale ? "idle" : roleTones[master.role]}>{master.role}</Status>
            </Cell>
            <Cell className="whitespace-nowrap">{master.node}</Cell>
            <Cell numeric>
              <Slot slot={master.decidedThrough} />
            </Cell>
            <Cell numeric>
              <Slot slot={master.appliedSlot} />
            </Cell>
            <Cell className="min-w-36">
              <Behind master={master} stale={stale} />
            </Cell>
            <Cell>
              <Status tone={stale ? "idle" : databaseOf(master.databaseUp).tone}>
                {databaseOf(master.databaseUp).word}
              </Status>
            </Cell>
            <Cell>
              <Time iso={master.since} />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function Slot({ slot }: { slot: number | null }) {
  return slot === null ? <span className="text-ink-faint">not known</span> : formatCount(slot);
}

/** A learner's way in is told in bytes; everybody else's distance in slots. */
function Behind({ master, stale }: { master: MastersStatus["masters"][number]; stale: boolean }) {
  const { lag, snapshot, server } = master;
  if (snapshot !== null)
    return (
      <span className="block">
        <span className="mb-1 block whitespace-nowrap text-xs">
          {formatBytes(snapshot.doneBytes)} of {formatBytes(snapshot.totalBytes)}
        </span>
        <ProgressBar label={`Snapshot of ${server}`} done={snapshot.doneBytes} total={snapshot.totalBytes} />
      </span>
    );
  if (lag === null) return <Status tone="idle">not known</Status>;
  return <Status tone={stale ? "idle" : lagToneOf(lag)}>{lag === 0 ? "level" : plural(lag, "slot")}</Status>;
}
