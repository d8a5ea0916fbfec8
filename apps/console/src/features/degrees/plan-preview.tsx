"use client";
import type { DegreePlan } from "@/live/types";
import { formatBytes, formatDuration } from "@/text/format";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { useNow } from "@/ui/clock";
import { CommandLine } from "@/ui/hash";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { usePermission } from "../shell/use-permission";

export interface PlanPreviewProps {
  plan: DegreePlan;
  busy: boolean;
  onApply: () => void;
  onDiscard: () => void;
}

export function PlanPreview({ plan, busy, onApply, onDiscard }: PlanPreviewProps) {
  const mayApply = usePermission("degree.apply");
  const nowMs = useNow();
  const expired = nowMs !== null && Date.parse(plan.expiresAt) <= nowMs;
  const blocked = plan.blockers.length > 0;
  return (
    <section
      aria-label={`Plan ${plan.planId}`}
      className="flex flex-col gap-3 rounded-md border border-accent/50 bg-surface p-4"
    >
      <div className="flex flex-wrap items-baseline justify-between gap-3">
        <h3 className="font-semibold">Plan {plan.planId}</h3>
        <span className="text-ink-faint text-xs">nothing has changed yet</span>
      </div>
      <Comparison plan={plan} />
      {plan.warnings.map((warning) => (
        <Status key={warning} tone="warn" wrap>
          {warning}
        </Status>
      ))}
      {plan.blockers.map((blocker) => (
        <Banner key={blocker.sentence} tone="bad" title={blocker.sentence}>
          {blocker.remedy}
        </Banner>
      ))}
      <div className="flex flex-col gap-1">
        <Verdict name="Availability" verdict={plan.availability} />
        <Verdict name="Durability" verdict={plan.durability} />
      </div>
      <Steps plan={plan} />
      <div className="flex flex-wrap items-center gap-2">
        {mayApply && (
          <Button look="primary" disabled={busy || blocked || expired} onClick={onApply}>
            Apply
          </Button>
        )}
        <Button onClick={onDiscard}>Discard</Button>
        <span className="text-ink-faint text-xs">
          {!mayApply && "Your role may plan, not apply. "}
          {expired
            ? "This plan has expired; preview again."
            : nowMs !== null && `Valid for ${formatDuration(Date.parse(plan.expiresAt) - nowMs)}.`}
        </span>
      </div>
      <CommandLine command={`npx redoubt degree apply ${plan.component} --count ${plan.to.wanted}`} />
    </section>
  );
}

function Comparison({ plan }: { plan: DegreePlan }) {
  const rows = [
    ["Servers", plan.from.wanted, plan.to.wanted],
    ["Needed to serve", plan.from.quorum, plan.to.quorum],
    ["Faults tolerated", plan.from.faultsToleratedByDesign, plan.to.faultsToleratedByDesign],
  ] as const;
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2">
      {rows.map(([title, before, after]) => (
        <div key={title}>
          <dt className="text-ink-faint text-xs">{title}</dt>
          <dd className="font-medium text-base">
            {before} <span aria-hidden>→</span>
            <span className="sr-only">becomes</span> {after}
          </dd>
        </div>
      ))}
      <div>
        <dt className="text-ink-faint text-xs">To copy</dt>
        <dd className="font-medium text-base">{formatBytes(plan.bytesToCopy)}</dd>
      </div>
      <div>
        <dt className="text-ink-faint text-xs">Takes about</dt>
        <dd className="font-medium text-base">{formatDuration(plan.estimatedMs)}</dd>
      </div>
    </dl>
  );
}

function Verdict({ name, verdict }: { name: string; verdict: DegreePlan["availability"] }) {
  return (
    <Status tone={verdict.ok ? "good" : "bad"} wrap>
      <span className="text-ink">
        <span className="font-medium">{name}:</span> {verdict.sentence}
      </span>
    </Status>
  );
}

function Steps({ plan }: { plan: DegreePlan }) {
  if (plan.steps.length === 0) return null;
  return (
    <Table label="Steps">
      <thead>
        <tr>
          <HeaderCell>Step</HeaderCell>
          <HeaderCell>Node</HeaderCell>
          <HeaderCell>Why there</HeaderCell>
          <HeaderCell numeric>Live after</HeaderCell>
          <HeaderCell numeric>Faults tolerated after</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {plan.steps.map((step) => (
          <Row key={`${step.action} ${step.server}`}>
            <RowHeader>
              {step.action} {step.server}
            </RowHeader>
            <Cell>{step.node}</Cell>
            <Cell className="text-ink-soft">{step.why}</Cell>
            <Cell numeric>{step.liveAfter}</Cell>
            <Cell numeric>{step.faultsToleratedAfter}</Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
