"use client";
import type { FeedComponent } from "@redoubt/shared";
import { Pips } from "@/ui/pips";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { type Degree, groupOrder, groupTitles, toleranceOf } from "./tolerance";

export interface ToleranceTableProps {
  degrees: Partial<Record<FeedComponent, Degree>>;
  stale: boolean;
}

export function ToleranceTable({ degrees, stale }: ToleranceTableProps) {
  return (
    <Table label="Fault tolerance">
      <thead>
        <tr>
          <HeaderCell>Group</HeaderCell>
          <HeaderCell>Live</HeaderCell>
          <HeaderCell>Faults tolerated now / by design</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {groupOrder.map((component) => {
          const degree = degrees[component];
          return degree === undefined ? null : (
            <ToleranceRow key={component} component={component} degree={degree} stale={stale} />
          );
        })}
      </tbody>
    </Table>
  );
}

function ToleranceRow({ component, degree, stale }: { component: FeedComponent; degree: Degree; stale: boolean }) {
  const { tone, sentence } = toleranceOf(component, degree);
  const quorum = `${degree.quorum} needed to serve`;
  return (
    <Row>
      <RowHeader className="whitespace-nowrap">{groupTitles[component]}</RowHeader>
      <Cell title={quorum}>
        <span className="flex items-center gap-2 whitespace-nowrap">
          <Pips live={degree.live} wanted={degree.wanted} stale={stale} />
          {degree.live}/{degree.wanted}
        </span>
      </Cell>
      <Cell>
        <span className="flex items-center justify-between gap-2">
          <Status tone={stale ? "idle" : tone}>{stale ? "stale" : sentence}</Status>
          <span className="whitespace-nowrap">
            <span className="font-medium">{degree.faultsToleratedNow}</span>
            <span className="text-ink-faint"> / {degree.faultsToleratedByDesign}</span>
          </span>
        </span>
      </Cell>
    </Row>
  );
}
