"use client";
/** How the replicas' background check of what they store stands: every version read from disk and its checksums computed again. */
import type { MastersStatus } from "@/live/types";
import { formatCount, plural } from "@/text/format";
import { Section } from "@/ui/page";
import { ProgressBar } from "@/ui/progress";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Ago } from "@/ui/time";
import { stateTone } from "./words";

type Replica = MastersStatus["scrub"][number];

export function Scrub({ replicas, stale }: { replicas: readonly Replica[]; stale: boolean }) {
  return (
    <Section id="scrub" title="Scrub and repair" aside="stored bytes read again, compared, mended from peers">
      <Table label="Scrub">
        <thead>
          <tr>
            <HeaderCell>Replica</HeaderCell>
            <HeaderCell>State</HeaderCell>
            <HeaderCell>This round</HeaderCell>
            <HeaderCell numeric>Rounds</HeaderCell>
            <HeaderCell>Last whole round</HeaderCell>
            <HeaderCell>Found corrupt</HeaderCell>
            <HeaderCell>Repaired</HeaderCell>
          </tr>
        </thead>
        <tbody>
          {replicas.map((replica) => (
            <Row key={replica.server}>
              <RowHeader className="whitespace-nowrap">{replica.server}</RowHeader>
              <Cell>
                <Status tone={stale ? "idle" : stateTone(replica.state)}>{stale ? "stale" : replica.state}</Status>
              </Cell>
              <Cell className="min-w-44">
                <Round replica={replica} />
              </Cell>
              <Cell numeric>{replica.rounds === null ? "–" : formatCount(replica.rounds)}</Cell>
              <Cell>
                {replica.lastRoundAt === null ? (
                  <span className="text-ink-faint">none yet</span>
                ) : (
                  <Ago iso={replica.lastRoundAt} />
                )}
              </Cell>
              <Cell>
                {replica.corruptFound === 0 ? (
                  "none"
                ) : (
                  <Status tone="warn">{plural(replica.corruptFound, "version")}</Status>
                )}
              </Cell>
              <Cell>
                <Repaired replica={replica} />
              </Cell>
            </Row>
          ))}
        </tbody>
      </Table>
    </Section>
  );
}

function Round({ replica }: { replica: Replica }) {
  const { position, total, server } = replica;
  if (position === null || total === null) return <Status tone="idle">not reported</Status>;
  return (
    <span className="block">
      <span className="mb-1 block text-xs">
        {formatCount(position)} of {plural(total, "version")}
      </span>
      <ProgressBar label={`Scrub of ${server}`} done={position} total={total} />
    </span>
  );
}

function Repaired({ replica: { corruptFound, repaired } }: { replica: Replica }) {
  if (corruptFound === 0) return <span className="text-ink-faint">nothing to repair</span>;
  if (repaired < corruptFound)
    return (
      <Status tone="warn">
        {formatCount(repaired)} of {formatCount(corruptFound)}
      </Status>
    );
  return <Status tone="good">all {formatCount(repaired)}</Status>;
}
