/** `redoubt degree`: replication degrees, always through a plan. */
import { type Command, InvalidArgumentError } from "commander";
import { type Administration, administer } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { note, print, printJson, printTable } from "../output.ts";
import { type CommonOptions, wholeNumber, withCommonOptions } from "./shared-options.ts";

const APPLY_LIMIT_MS = 180_000;
const POLL_MS = 300;

interface TargetOptions extends CommonOptions {
  readonly faults?: number;
  readonly count?: number;
}

const COMPONENTS = [
  "traffic-regulator",
  "execution-server",
  "acceptance-test-server",
  "state-replica",
  "state-master",
  "configuration-manager",
] as const;
type ComponentName = (typeof COMPONENTS)[number];

function component(text: string): ComponentName {
  const found = COMPONENTS.find((name) => name === text);
  if (!found) throw new InvalidArgumentError(`one of ${COMPONENTS.join(", ")} expected`);
  return found;
}

const withTarget = (command: Command): Command =>
  withCommonOptions(
    command
      .option("--faults <n>", "faults to tolerate (components with a quorum)", wholeNumber(0))
      .option("--count <n>", "number of servers (components without a quorum)", wholeNumber(0)),
  );

export function registerDegree(program: Command): void {
  const degree = program.command("degree").description("replication degrees");
  withCommonOptions(degree.command("get").description("wanted, live and tolerated faults of every component")).action(
    async (options: CommonOptions) => {
      const degrees = await administer(options.data, (administration) => administration.degrees.list.query());
      if (options.json) return printJson(degrees);
      printTable(
        ["component", "wanted", "live", "quorum", "faults tolerated now", "by design", "decided by"],
        degrees.map((entry) => [
          entry.component,
          entry.wanted,
          entry.live,
          entry.quorum,
          entry.faultsToleratedNow,
          entry.faultsToleratedByDesign,
          entry.decidedBy.name,
        ]),
      );
    },
  );
  withTarget(
    degree
      .command("plan")
      .argument("<component>", "component", component)
      .description("what a change would do; changes nothing"),
  ).action(async (name: ComponentName, options: TargetOptions) => {
    const plan = await administer(options.data, (administration) => planFor(administration, name, options));
    if (options.json) return printJson(plan);
    printPlan(plan);
  });
  withTarget(
    degree
      .command("apply")
      .argument("<component>", "component", component)
      .description("plan and apply; returns when the live number is the wanted one"),
  ).action(async (name: ComponentName, options: TargetOptions) => {
    const result = await administer(options.data, async (administration) => {
      const plan = await planFor(administration, name, options);
      const [blocker] = plan.blockers;
      if (blocker) throw new CommandFailure(`${blocker.sentence} ${blocker.remedy}`);
      if (!options.json) printPlan(plan);
      await administration.degrees.applyPlan.mutate({ planId: plan.planId, version: plan.version });
      return awaitLive(administration, name, plan.to.wanted);
    });
    if (options.json) printJson(result);
    else print(`${name}: ${result.live} of ${result.wanted} live`);
  });
  for (const action of ["stop", "rollback"] as const) {
    withCommonOptions(
      degree
        .command(`${action} <changeId>`)
        .description(action === "stop" ? "stop a change at a consistent point" : "plan the way back from a change"),
    ).action(async (changeId: string, options: CommonOptions) => {
      if (action === "stop") {
        const change = await administer(options.data, ({ degrees }) => degrees.stop.mutate({ changeId }));
        if (options.json) printJson(change);
        else print(`${change.component}: ${change.state}, ${change.live} of ${change.wanted} live; ${change.detail}`);
      } else {
        const plan = await administer(options.data, ({ degrees }) => degrees.rollback.mutate({ changeId }));
        if (options.json) printJson(plan);
        else printPlan(plan);
      }
    });
  }
}

type Plan = Awaited<ReturnType<Administration["degrees"]["plan"]["mutate"]>>;

function planFor(administration: Administration, name: ComponentName, { faults, count }: TargetOptions): Promise<Plan> {
  if ((faults === undefined) === (count === undefined))
    throw new CommandFailure("exactly one of --faults N and --count N expected", 2);
  const target =
    faults === undefined ? { unit: "count" as const, target: count ?? 0 } : { unit: "faults" as const, target: faults };
  return administration.degrees.plan.mutate({ component: name, ...target });
}

function printPlan(plan: Plan): void {
  print(
    `${plan.component}: ${plan.from.wanted} → ${plan.to.wanted} servers, faults tolerated ${plan.from.faultsToleratedByDesign} → ${plan.to.faultsToleratedByDesign}`,
  );
  for (const step of plan.steps) print(`  ${step.action} ${step.server} on ${step.node}: ${step.why}`);
  for (const warning of plan.warnings) note(`warning: ${warning}`);
  print(`availability: ${plan.availability.sentence}\ndurability: ${plan.durability.sentence}`);
}

async function awaitLive(
  administration: Administration,
  name: ComponentName,
  wanted: number,
): Promise<{ component: string; wanted: number; live: number }> {
  const limit = Date.now() + APPLY_LIMIT_MS;
  for (;;) {
    const status = await administration.cluster.status.query();
    const live = status.degrees[name]?.live ?? 0;
    if (live === wanted) return { component: name, wanted, live };
    if (Date.now() > limit)
      throw new CommandFailure(
        `${name}: ${live} of ${wanted} live after ${APPLY_LIMIT_MS / 1000} s; see redoubt status`,
      );
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}
