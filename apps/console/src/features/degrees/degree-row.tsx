"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { groupTitles, toleranceOf } from "@/features/overview/tolerance";
import { useStale } from "@/live/as-of";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import type { DegreeDetail } from "@/live/types";
import { Banner } from "@/ui/banner";
import { Button } from "@/ui/button";
import { Pips } from "@/ui/pips";
import { Status } from "@/ui/status";
import { Stepper } from "@/ui/stepper";
import { Time } from "@/ui/time";
import { usePermission } from "../shell/use-permission";
import { ChangeProgress } from "./change-progress";
import { PlanPreview } from "./plan-preview";

export function DegreeRow({ degree }: { degree: DegreeDetail }) {
  const stale = useStale(degree.asOf);
  const { tone, sentence } = toleranceOf(degree.component, degree);
  return (
    <li className="py-4">
      <div className="grid items-start gap-x-6 gap-y-3 md:grid-cols-[200px_minmax(0,1fr)_minmax(0,auto)]">
        <div>
          <h2 className="font-semibold">{groupTitles[degree.component]}</h2>
          <p className="text-ink-faint text-xs">
            {degree.quorum} of {degree.wanted} needed to serve
          </p>
        </div>
        <div className="flex flex-col gap-1">
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <Pips live={degree.live} wanted={degree.wanted} stale={stale} />
            <span>
              {degree.live} of {degree.wanted} live
            </span>
            <Status tone={stale ? "idle" : tone}>{stale ? `${sentence} (stale)` : sentence}</Status>
          </span>
          <p className="text-ink-soft text-xs">
            Tolerates {degree.faultsToleratedNow} now, {degree.faultsToleratedByDesign} by design. Decided by{" "}
            {degree.decidedBy.name}, <Time iso={degree.decidedBy.at} />.
          </p>
        </div>
        {!degree.adjustable && (
          <p className="max-w-64 text-ink-faint text-xs md:text-right">
            {degree.fixedBecause ?? "Not adjustable here."}
          </p>
        )}
      </div>
      {/* A decision counts at once, the number of servers follows it later: the input starts afresh at both. */}
      {degree.adjustable && <Adjust key={`${degree.version} ${degree.wanted}`} degree={degree} />}
    </li>
  );
}

function Adjust({ degree }: { degree: DegreeDetail }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const mayPlan = usePermission("degree.plan");
  const current = degree.unit === "count" ? degree.wanted : degree.faultsToleratedByDesign;
  const [target, setTarget] = useState(current);
  const onSettled = () => queryClient.invalidateQueries({ queryKey: trpc.degrees.pathKey() });
  const plan = useMutation(trpc.degrees.plan.mutationOptions());
  const apply = useMutation(trpc.degrees.applyPlan.mutationOptions({ onSettled }));
  const running = degree.change?.state === "running";
  const label =
    degree.unit === "count" ? groupTitles[degree.component] : `${groupTitles[degree.component]} faults tolerated`;
  const change = (wanted: number) => {
    setTarget(wanted);
    plan.reset();
  };
  return (
    <div className="mt-3 flex flex-col gap-3 md:pl-[224px]">
      {degree.change !== null && <ChangeProgress change={degree.change} />}
      {mayPlan && !running && (
        <div className="flex flex-wrap items-center gap-3">
          <Stepper label={label} value={target} minimum={degree.minimum} maximum={degree.maximum} onChange={change} />
          <Button
            disabled={target === current || plan.isPending}
            onClick={() => plan.mutate({ component: degree.component, unit: degree.unit, target })}
          >
            Preview
          </Button>
          <span className="text-ink-faint text-xs">
            {target === current
              ? `${degree.minimum} to ${degree.maximum}; change the number, then preview.`
              : "The preview changes nothing on the cluster."}
          </span>
        </div>
      )}
      {plan.isError && <Banner tone="bad" title={problemOf(plan.error).sentence} urgent />}
      {apply.isError && (
        <Banner tone="bad" title={problemOf(apply.error).sentence} urgent>
          Nothing was changed. Preview again to see the plan for how things are now.
        </Banner>
      )}
      {plan.data !== undefined && !running && (
        <PlanPreview
          plan={plan.data}
          busy={apply.isPending}
          onApply={() =>
            apply.mutate({ planId: plan.data.planId, version: plan.data.version }, { onSuccess: () => plan.reset() })
          }
          onDiscard={() => change(current)}
        />
      )}
    </div>
  );
}
