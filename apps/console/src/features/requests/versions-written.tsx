"use client";
import Link from "next/link";
import { addressOfObject } from "@/features/state/search";
import { versionTones } from "@/features/state/version-tones";
import type { RequestHistory } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Hash } from "@/ui/hash";
import { Empty } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";

export function VersionsWritten({ versions, isPending }: Pick<RequestHistory, "versions"> & { isPending: boolean }) {
  if (versions.length === 0)
    return isPending ? (
      <Empty title="None yet" />
    ) : (
      <Empty title="It has left no version">
        A request that only reads, is refused by the application, or was stopped at the door changes nothing.
      </Empty>
    );
  return (
    <Table label="Versions written">
      <thead>
        <tr>
          <HeaderCell>Object</HeaderCell>
          <HeaderCell numeric>Version</HeaderCell>
          <HeaderCell>Status</HeaderCell>
          <HeaderCell>C1</HeaderCell>
          <HeaderCell>Stored by</HeaderCell>
          <HeaderCell numeric>Slot</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {versions.map(({ object, number, epoch, status, c1, slot, replicas }) => (
          <Row key={`${object} ${number}.${epoch}`}>
            <RowHeader className="max-w-56 truncate">
              <Link
                href={addressOfObject(object, { number, epoch, slot })}
                className="underline-offset-2 hover:underline"
              >
                {inert(object)}
              </Link>
            </RowHeader>
            <Cell numeric className="whitespace-nowrap">
              {formatCount(number)} <span className="text-ink-faint">epoch {formatCount(epoch)}</span>
            </Cell>
            <Cell>
              <Status tone={versionTones[status]}>{status}</Status>
            </Cell>
            <Cell>
              <Hash value={c1} digits={8} />
            </Cell>
            <Cell className="whitespace-nowrap">
              <StoredBy c1={c1} replicas={replicas} />
            </Cell>
            <Cell numeric>{slot === null ? <span className="text-ink-faint">–</span> : formatCount(slot)}</Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function StoredBy({ c1, replicas }: { c1: string; replicas: RequestHistory["versions"][number]["replicas"] }) {
  if (replicas === null) return <span className="text-ink-faint">not known</span>;
  const same = replicas.filter((copy) => copy.c1 === c1).length;
  const title = replicas.map((copy) => `${copy.server}: ${copy.c1}`).join("\n");
  return (
    <span title={title}>
      {same === replicas.length ? (
        `${formatCount(same)} replicas alike`
      ) : (
        <Status tone="bad">{formatCount(replicas.length - same)} differ</Status>
      )}
    </span>
  );
}
