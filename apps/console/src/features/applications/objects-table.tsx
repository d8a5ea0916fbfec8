"use client";
import Link from "next/link";
import type { ApplicationVersion } from "@/live/types";
import { formatCount } from "@/text/format";
import { inert } from "@/text/inert";
import { Empty } from "@/ui/page";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";

export function ObjectsTable({ objects }: Pick<ApplicationVersion, "objects">) {
  if (objects.length === 0) return <Empty title="No objects are known of this version" />;
  return (
    <Table label="Objects">
      <thead>
        <tr>
          <HeaderCell>Type</HeaderCell>
          <HeaderCell>Title</HeaderCell>
          <HeaderCell numeric>Schema</HeaderCell>
          <HeaderCell>Confidential fields</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {objects.map(({ type, title, schemaVersion, confidentialFields }) => (
          <Row key={type}>
            <RowHeader>
              <Link
                href={`/state?prefix=${encodeURIComponent(`${type}/`)}`}
                className="underline-offset-2 hover:underline"
              >
                {inert(type)}
              </Link>
            </RowHeader>
            <Cell className="text-ink-soft">{inert(title)}</Cell>
            <Cell numeric>{formatCount(schemaVersion)}</Cell>
            <Cell>
              {confidentialFields.length === 0 ? (
                <span className="text-ink-faint">none</span>
              ) : (
                confidentialFields.map(inert).join(", ")
              )}
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
