"use client";
/** The nodes, troubled ones first, with how full they are. The same as a sortable table is the page "Nodes". */
import Link from "next/link";
import { nodeStateTones } from "@/features/nodes/node-tones";
import { orderByTrouble, type ShownNode } from "@/features/nodes/order";
import { classes } from "@/ui/classes";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";

export function NodeStrip({ nodes, stale }: { nodes: readonly ShownNode[]; stale: boolean }) {
  return (
    <Table label="Nodes">
      <thead>
        <tr>
          <HeaderCell>Node</HeaderCell>
          <HeaderCell>State</HeaderCell>
          <HeaderCell>Slots used</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {orderByTrouble(nodes).map((node) => (
          <Row key={node.name}>
            <RowHeader>
              <Link href="/nodes" className="underline-offset-2 hover:underline">
                {node.name}
              </Link>
            </RowHeader>
            <Cell>
              <Status tone={stale ? "idle" : nodeStateTones[node.state]}>{stale ? "stale" : node.state}</Status>
            </Cell>
            <Cell>
              <span className="flex items-center gap-2">
                <SlotBar used={node.servers.length} slots={node.slots} />
                <span className="whitespace-nowrap">
                  {node.servers.length} of {node.slots}
                </span>
              </span>
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function SlotBar({ used, slots }: { used: number; slots: number }) {
  return (
    <span aria-hidden className="inline-flex gap-[2px]">
      {Array.from({ length: slots }, (_, index) => `slot-${index}`).map((slot, index) => (
        <span key={slot} className={classes("h-2.5 w-2 rounded-[1.5px]", index < used ? "bg-ink-faint" : "bg-line")} />
      ))}
    </span>
  );
}
