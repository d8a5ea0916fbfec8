"use client";
/** How the replicas' background check of what they store stands: every version read from disk and its checksums computed again. */
import type { MastersStatus } from "@/live/types";
import { formatBytes, formatCount, formatDuration, plural } from "@/text/format";
import { Section } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
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
            <HeaderCell numeric>Whole passes</HeaderCell>
            <HeaderCell numeric>The last took</HeaderCell>
            <HeaderCell numeric>and read</HeaderCell>
            <HeaderCell>Damage found</HeaderCell>
            <HeaderCell>Repaired</HeaderCell>
          </tr>
        </thead>
        <tbody>
          {replicas.map((replica) => (
            <Row key={replica.server}>
              <RowHeader className="whitespace-nowrap">{replica.server}</RowHeader>
              <Cell>
                {replica.gatheredBytes !== null && !stale ? (
                  <Status tone="accent">gathering, {formatBytes(replica.gatheredBytes)} so far</Status>
                ) : (
                  <Status tone={stale ? "idle" : stateTone(replica.state)}>{stale ? "stale" : replica.state}</Status>
                )}
              </Cell>
              <Cell numeric>
                {replica.passes === null ? <Status tone="idle">not reported</Status> : formatCount(replica.passes)}
              </Cell>
              <Cell numeric>{replica.lastPassMs === null ? "–" : formatDuration(replica.lastPassMs)}</Cell>
              <Cell numeric>{replica.lastPassBytes === null ? "–" : formatBytes(replica.lastPassBytes)}</Cell>
              <Cell>
                <Found found={replica.found} />
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

const unknown = <span className="text-ink-faint">not known</span>;

function Found({ found }: { found: number | null }) {
  if (found === null) return unknown;
  return found === 0 ? "none" : <Status tone="warn">{plural(found, "record")}</Status>;
}

function Repaired({ replica: { found, repaired } }: { replica: Replica }) {
  if (found === null || repaired === null) return unknown;
  if (found === 0) return <span className="text-ink-faint">nothing to repair</span>;
  if (repaired >= found) return <Status tone="good">{found === 1 ? "yes" : `all ${formatCount(found)}`}</Status>;
  return (
    <Status tone="warn">
      {formatCount(repaired)} of {formatCount(found)}
    </Status>
  );
}
