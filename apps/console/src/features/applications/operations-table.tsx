"use client";
/** How each operation is judged: what a compromised execution server would have to get past. */
import { checkTitle } from "@redoubt/shared";
import type { BreakerState, OperationStrength } from "@/live/types";
import { formatDuration, plural } from "@/text/format";
import { inert } from "@/text/inert";
import { Empty } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import type { Tone } from "@/ui/tone";

export interface OperationsTableProps {
  operations: readonly OperationStrength[];
  breakers: readonly BreakerState[];
}

export function OperationsTable({ operations, breakers }: OperationsTableProps) {
  if (operations.length === 0) return <Empty title="No operations are known of this version" />;
  return (
    <Table label="Operations">
      <thead>
        <tr>
          <HeaderCell>Operation</HeaderCell>
          <HeaderCell>Own checks</HeaderCell>
          <HeaderCell>Refusals proved</HeaderCell>
          <HeaderCell>Access</HeaderCell>
          <HeaderCell numeric>Deadline</HeaderCell>
          <HeaderCell>When quarantined</HeaderCell>
          <HeaderCell>Breaker</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {operations.map((operation) => (
          <Row key={operation.operation} className="align-top hover:bg-hover/60">
            <RowHeader className="min-w-44">
              {inert(operation.operation)}
              <span className="block font-normal text-ink-faint text-xs">
                {operation.readOnly ? "only reads" : "writes"}
              </span>
            </RowHeader>
            <Cell>
              <OwnChecks operation={operation} />
            </Cell>
            <Cell className="whitespace-nowrap">
              {operation.refusals === 0 ? <Faint>never refuses</Faint> : plural(operation.refusals, "predicate")}
            </Cell>
            <Cell className="whitespace-nowrap">
              {plural(operation.templates, "template")}
              <span className="block text-ink-faint text-xs">
                {operation.completeTemplates === 0
                  ? "none must be used in full"
                  : `${operation.completeTemplates} used in full`}
              </span>
            </Cell>
            <Cell numeric>{formatDuration(operation.deadlineMs)}</Cell>
            <Cell className="whitespace-nowrap">
              {operation.onQuarantine === "hold" ? "held for a person" : "rejected"}
            </Cell>
            <Cell className="min-w-40">
              <BreakerCell breakers={breakers.filter((breaker) => breaker.operation === operation.operation)} />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

const Faint = ({ children }: { children: string }) => <span className="text-ink-faint">{children}</span>;

function OwnChecks({ operation: { combinators, hasOwnChecks, readOnly } }: { operation: OperationStrength }) {
  if (!hasOwnChecks)
    return (
      <Status tone={readOnly ? "idle" : "warn"} wrap>
        built-in checks only
      </Status>
    );
  return (
    <ul className="flex flex-wrap gap-1">
      {combinators.map(({ kind, count }) => (
        <li
          key={kind}
          title={checkTitle(kind)}
          className="whitespace-nowrap rounded-sm border border-line bg-sunken px-1.5 font-mono text-2xs leading-[18px]"
        >
          {inert(kind)}
          {count > 1 && <span className="text-ink-faint"> ×{count}</span>}
        </li>
      ))}
    </ul>
  );
}

/** A failure that no client in good standing had brings a breaker no nearer to opening. */
function breakerWords({ state, principals }: BreakerState): { readonly tone: Tone; readonly text: string } {
  if (state === "open") return { tone: "bad", text: "open" };
  return principals === 0 ? { tone: "good", text: "closed" } : { tone: "warn", text: "counting" };
}

function BreakerCell({ breakers }: { breakers: readonly BreakerState[] }) {
  if (breakers.length === 0) return <Status tone="good">closed</Status>;
  return (
    <ul className="flex flex-col">
      {breakers.map((breaker) => (
        <li key={breaker.check}>
          <Status tone={breakerWords(breaker).tone} wrap>
            <span className="whitespace-nowrap">{breakerWords(breaker).text}</span>
          </Status>
          <span className="block text-ink-soft text-xs">
            {checkTitle(inert(breaker.check))}: {breaker.principals} of {breaker.principalsNeeded} clients
            {breaker.withheld > 0 && `, ${breaker.withheld} withheld`}
          </span>
        </li>
      ))}
    </ul>
  );
}
