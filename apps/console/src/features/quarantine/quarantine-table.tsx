"use client";
import Link from "next/link";
import { useState } from "react";
import type { QuarantineSummary } from "@/live/types";
import { inert } from "@/text/inert";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Badge, Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Ago, Time } from "@/ui/time";
import { holdRows } from "./held-rows";
import { checkWords, reasonTitles, stateTitles, stateTones } from "./words";

export function QuarantineTable({ items }: { items: readonly QuarantineSummary[] }) {
  const [frozen, setFrozen] = useState<readonly QuarantineSummary[] | null>(null);
  const [firstSeen] = useState(() => new Set(items.map(({ requestId }) => requestId)));
  const { rows, waiting } = holdRows(frozen, items);
  return (
    <>
      <div aria-live="polite" className="flex h-9 items-center justify-center">
        {waiting > 0 && (
          <Button look="primary" size="sm" className="rounded-full" onClick={() => setFrozen(items)}>
            {waiting} new
          </Button>
        )}
      </div>
      <Table label="Quarantine" onPresence={(present) => setFrozen(present ? items : null)}>
        <thead>
          <tr>
            <HeaderCell>When</HeaderCell>
            <HeaderCell>Request</HeaderCell>
            <HeaderCell>Client</HeaderCell>
            <HeaderCell>Host</HeaderCell>
            <HeaderCell>Why</HeaderCell>
            <HeaderCell>State</HeaderCell>
          </tr>
        </thead>
        <tbody>
          {rows.map((item) => (
            <ItemRow key={item.requestId} item={item} arrived={!firstSeen.has(item.requestId)} />
          ))}
        </tbody>
      </Table>
    </>
  );
}

function ItemRow({ item, arrived }: { item: QuarantineSummary; arrived: boolean }) {
  return (
    <Row className={classes("hover:bg-hover/60", arrived && "row-arrived")}>
      <Cell className="whitespace-nowrap text-ink-soft">
        <Time iso={item.at} />
        <span className="block text-2xs text-ink-faint leading-[14px]">
          <Ago iso={item.at} />
        </span>
      </Cell>
      <RowHeader className="min-w-56">
        <Link href={`/quarantine/${item.requestId}`} className="underline-offset-2 hover:underline">
          {inert(item.title)}
        </Link>
        <span className="block font-mono font-normal text-2xs text-ink-faint leading-[14px]">
          {inert(item.operation)} · {item.requestId.slice(0, 10)}
        </span>
      </RowHeader>
      <Cell className="max-w-40 truncate">{inert(item.client)}</Cell>
      <Cell className="max-w-40 truncate font-mono text-xs">{inert(item.host)}</Cell>
      <Cell className="min-w-44">
        <span className="flex items-center gap-2">
          {reasonTitles[item.reason]}
          {item.severity === "high" && <Badge tone="bad">two persons</Badge>}
        </span>
        <span className="block text-2xs text-ink-faint leading-[14px]" title={inert(item.check)}>
          {inert(checkWords(item))}
        </span>
      </Cell>
      <Cell>
        <Status tone={stateTones[item.state]}>{stateTitles[item.state]}</Status>
        {item.heldUntil !== null && (
          <span className="block text-2xs text-ink-faint leading-[14px]">
            held until <Time iso={item.heldUntil} />
          </span>
        )}
        {item.claimedBy !== null && (
          <span className="block text-2xs text-ink-faint leading-[14px]">by {inert(item.claimedBy)}</span>
        )}
      </Cell>
    </Row>
  );
}
