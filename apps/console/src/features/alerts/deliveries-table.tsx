"use client";
import type { Delivery } from "@/live/types";
import { inert } from "@/text/inert";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import type { Tone } from "@/ui/tone";

const tones: Record<Delivery["state"], Tone> = { queued: "accent", sent: "good", delayed: "warn", failed: "bad" };

export function DeliveriesTable({ deliveries }: { deliveries: readonly Delivery[] }) {
  return (
    <Table label="Deliveries">
      <thead>
        <tr>
          <HeaderCell>Queued</HeaderCell>
          <HeaderCell>Subject</HeaderCell>
          <HeaderCell>To</HeaderCell>
          <HeaderCell>State</HeaderCell>
          <HeaderCell numeric>Attempts</HeaderCell>
          <HeaderCell>Last answer</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {deliveries.map((delivery) => (
          <Row key={delivery.deliveryId}>
            <Cell>
              <Time iso={delivery.queuedAt} />
            </Cell>
            <RowHeader className="min-w-48">
              {inert(delivery.subject)}
              <span className="block font-normal text-2xs text-ink-faint leading-[14px]">{delivery.purpose}</span>
            </RowHeader>
            <Cell className="break-all">{inert(delivery.address)}</Cell>
            <Cell>
              <Status tone={tones[delivery.state]}>{delivery.state}</Status>
              {delivery.nextAttemptAt !== null && (
                <span className="block text-2xs text-ink-faint leading-[14px]">
                  again at <Time iso={delivery.nextAttemptAt} />
                </span>
              )}
            </Cell>
            <Cell numeric>{delivery.attempts.length}</Cell>
            <Cell className="max-w-80 break-words font-mono text-xs">
              {inert(delivery.attempts.at(-1)?.reply ?? "–")}
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
