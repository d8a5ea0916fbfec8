"use client";
import type { RequestHistory } from "@/live/types";
import { inert } from "@/text/inert";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { formatMs } from "./timeline";
import { hopTones } from "./words";

export function HopsTable({ hops }: { hops: RequestHistory["hops"] }) {
  return (
    <Table label="Hops">
      <thead>
        <tr>
          <HeaderCell numeric>After</HeaderCell>
          <HeaderCell>Server</HeaderCell>
          <HeaderCell>Event</HeaderCell>
          <HeaderCell>Detail</HeaderCell>
          <HeaderCell>At</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {hops.map((hop) => (
          <Row key={`${hop.at} ${hop.ms} ${hop.event} ${hop.server}`}>
            <Cell numeric className="whitespace-nowrap">
              {hop.ms === null ? <span className="text-ink-faint">not known</span> : formatMs(hop.ms)}
            </Cell>
            <RowHeader className="whitespace-nowrap">{inert(hop.server)}</RowHeader>
            <Cell className="whitespace-nowrap">
              {hop.tone === "plain" ? hop.event : <Status tone={hopTones[hop.tone]}>{hop.event}</Status>}
            </Cell>
            <Cell className="min-w-64 break-words text-ink-soft">{inert(hop.detail)}</Cell>
            <Cell>
              <Time iso={hop.at} className="text-ink-faint text-xs" />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
