/**
 * Replication degrees of people: plans that change nothing, changes that are carried out and watched, the way back
 * (CONSOLE §1.3). Wanted counts and plans are in the database; what is placed and what lives is the registry's.
 *
 * Execution servers and, in the basic profile, acceptance test servers keep no state and can be added and removed at once.
 * The other components move state or agreement with them; changing those is refused with the reason.
 */
import { randomUUID } from "node:crypto";
import type { Degree, ManagerOpening, DegreePlan as PlanRow } from "@redoubt/database";
import {
  countForFaults,
  type DegreePlanning,
  degreeStatus,
  planDegreeChange,
  type ServerComponent,
  serverNumber,
} from "@redoubt/protocol";
import type { FeedComponent } from "@redoubt/shared";
import { z } from "zod";
import {
  type Actor,
  AdministrationError,
  type DegreeChange,
  type DegreeDetail,
  type DegreePlan,
} from "../administration/index.ts";
import type { ClusterFile } from "../launch/cluster-file.ts";
import { serversMax } from "../runtime/ports.ts";
import type { ManagerDatabase } from "./database.ts";
import { DegreeRun } from "./degree-run.ts";
import type { ManagerFeed } from "./feed.ts";
import type { Incidents } from "./incidents.ts";
import type { Membership } from "./membership.ts";
import type { Registry } from "./registry.ts";
import type { RegulatorLink } from "./regulator-link.ts";

const COMPONENTS: readonly ServerComponent[] = [
  "traffic-regulator",
  "execution-server",
  "acceptance-test-server",
  "state-replica",
  "state-master",
  "configuration-manager",
];
const COUNT_MAX = 16;
const PLAN_LIFETIME_MS = 10 * 60_000;
/** Starting a process, its certificate, its first report. */
const START_ESTIMATE_MS = 3_000;
const STOP_ESTIMATE_MS = 1_500;

export interface DegreesParts {
  readonly cluster: ClusterFile;
  readonly database: ManagerDatabase;
  readonly membership: Membership;
  readonly registry: Registry;
  readonly regulator: RegulatorLink;
  readonly feed: ManagerFeed;
  readonly incidents: Incidents;
}

const planningSchema = z.custom<DegreePlanning>((value) => typeof value === "object" && value !== null);

export class Degrees {
  readonly #parts: DegreesParts;
  /** Changes being carried out, by component. */
  readonly #running = new Map<FeedComponent, DegreeRun>();

  constructor(parts: DegreesParts) {
    this.#parts = parts;
  }

  /** Reads the wanted degrees, or sets those of the cluster file at the first start; goes on with changes under way. */
  async open({ degrees, plansRunning }: Pick<ManagerOpening, "degrees" | "plansRunning">): Promise<void> {
    const { database, cluster } = this.#parts;
    const decision = { faults: null, deciderKind: "file" as const, decidedBy: "cluster.json", at: new Date() };
    const missing = COMPONENTS.filter((name) => !degrees.some(({ component }) => component === name));
    for (const component of missing)
      await database.persistently((store) =>
        store.degrees.ensure(component, { ...decision, wanted: cluster.degrees[component] }),
      );
    if (missing.length > 0) await this.place();
    else this.#wantRows(degrees);
    if (plansRunning === 0) return;
    const running = await database.persistently((store) => store.degrees.runningPlans());
    for (const plan of running) this.#watch(plan);
  }

  close(): void {
    for (const run of this.#running.values()) run.close();
  }

  /** Places what the database wants. */
  async place(): Promise<void> {
    this.#wantRows(await this.#parts.database.persistently((store) => store.degrees.list()));
  }

  #wantRows(rows: ManagerOpening["degrees"]): void {
    this.#want(Object.fromEntries(rows.map(({ component, wanted }) => [component, wanted])));
  }

  /** Before the database is there, a new cluster starts with what its file says. */
  placeFromFile(): void {
    this.#want(this.#parts.cluster.degrees);
  }

  #want(counts: Readonly<Record<string, number>>): void {
    const { membership, incidents } = this.#parts;
    const wanted = this.#isCollocated ? { ...counts, "acceptance-test-server": 0 } : counts;
    if (membership.isPlaced && COMPONENTS.every((name) => (membership.wanted[name] ?? 0) === (wanted[name] ?? 0)))
      return;
    const placed = membership.want(wanted);
    if (placed.ok) return;
    const { component, missing } = placed.error;
    void incidents.report({
      key: "nodes-needed",
      kind: "nodes-needed",
      title: `Additional nodes needed: ${missing} slots are missing for ${component}`,
      severity: "critical",
      subject: component,
      text: `${missing} servers of ${component} find no free slot`,
      evidence: { component, missing },
    });
  }

  get #isCollocated(): boolean {
    return this.#parts.cluster.profile === "optimized";
  }

  wantedOf(component: ServerComponent): number {
    const { membership } = this.#parts;
    // Beside every replica runs an acceptance test.
    const counted = this.#isCollocated && component === "acceptance-test-server" ? "state-replica" : component;
    return membership.wanted[counted] ?? 0;
  }

  liveOf(component: ServerComponent): number {
    const { registry } = this.#parts;
    return registry.live(this.#isCollocated && component === "acceptance-test-server" ? "state-replica" : component);
  }

  statusOf(component: ServerComponent) {
    return degreeStatus(component, this.wantedOf(component), this.liveOf(component), this.#isCollocated);
  }

  all(): Record<ServerComponent, ReturnType<Degrees["statusOf"]>> {
    return Object.fromEntries(COMPONENTS.map((component) => [component, this.statusOf(component)])) as never;
  }

  async details(): Promise<DegreeDetail[]> {
    const rows = await this.#parts.database.answering((store) => store.degrees.list());
    const asOf = new Date().toISOString();
    const details = COMPONENTS.map(async (component) => {
      const row = rows.find((candidate) => candidate.component === component);
      const fixedBecause = this.#fixedBecause(component);
      return {
        ...this.statusOf(component),
        component,
        asOf,
        unit: fixedBecause === null ? ("count" as const) : ("faults" as const),
        adjustable: fixedBecause === null,
        fixedBecause,
        minimum: 1,
        maximum: Math.min(COUNT_MAX, serversMax(component)),
        version: String(row?.version ?? 0),
        decidedBy: {
          kind: deciderOf(row),
          name: row?.decidedBy ?? "cluster.json",
          at: (row?.at ?? new Date(0)).toISOString(),
        },
        change: await this.#lastChange(component),
      };
    });
    return Promise.all(details);
  }

  async plan(
    request: { component: FeedComponent; unit: "count" | "faults"; target: number },
    actor: Actor,
  ): Promise<DegreePlan> {
    const { component } = request;
    this.#refuseFixed(component);
    const target =
      request.unit === "count" ? request.target : countForFaults(component, request.target, this.#isCollocated);
    const maximum = Math.min(COUNT_MAX, serversMax(component));
    if (target < 1 || target > maximum)
      throw new AdministrationError(
        "invalid",
        `${component}: 1 to ${maximum} servers are possible, not ${target}.`,
        "target",
      );
    const planning = this.#planningFor(component, target);
    const row = await this.#parts.database.answering(async (store) => {
      const degree = await store.degrees.get(component);
      return store.degrees.addPlan({
        id: randomUUID(),
        component,
        fromCount: this.wantedOf(component),
        toCount: target,
        faults: request.unit === "faults" ? request.target : null,
        degreeVersion: degree?.version ?? 0,
        steps: planning.steps,
        verdicts: planning,
        requestedBy: actor.name,
        createdAt: new Date(),
        expiresAt: new Date(Date.now() + PLAN_LIFETIME_MS),
      });
    });
    return toPlan(row, planning);
  }

  async apply(request: { planId: string; version: string }, actor: Actor): Promise<DegreeChange> {
    const { database, feed } = this.#parts;
    const row = await database.answering((store) => store.degrees.plan(request.planId));
    if (!row) throw new AdministrationError("not-found", "There is no such plan.", "planId");
    const component = row.component as ServerComponent;
    this.#refuseFixed(component);
    if (row.state !== "planned") throw new AdministrationError("conflict", `This plan is ${row.state} already.`);
    if (row.expiresAt.getTime() < Date.now())
      throw new AdministrationError("conflict", "This plan has expired; plan again.");
    if (String(row.degreeVersion) !== request.version)
      throw new AdministrationError("conflict", "The plan was made on another version of the degree; plan again.");
    if (this.#running.get(component)?.isRunning)
      throw new AdministrationError("conflict", "Another change of this component is being carried out.");
    const { blockers } = this.#planningFor(component, row.toCount);
    if (blockers[0]) throw new AdministrationError("refused", `${blockers[0].sentence} ${blockers[0].remedy}`);
    const now = new Date();
    await this.#decide(row, actor, now);
    const started = await database.answering((store) =>
      store.degrees.changePlan(row.id, ["planned"], { state: "running", startedAt: now, startedBy: actor.name }),
    );
    if (!started) throw new AdministrationError("conflict", "Somebody else has applied this plan.");
    void feed.record({
      kind: "degree.changed",
      severity: "notice",
      component,
      wanted: row.toCount,
      previous: row.fromCount,
      decidedBy: actor.name,
      version: String(row.degreeVersion + 1),
    });
    return this.#watch(started).change;
  }

  async #decide(row: PlanRow, actor: Actor, at: Date): Promise<void> {
    const decision = {
      wanted: row.toCount,
      faults: row.faults,
      deciderKind: "person" as const,
      decidedBy: actor.name,
      at,
    };
    const changed = await this.#parts.database.answering((store) =>
      store.degrees.change(row.component, row.degreeVersion, decision),
    );
    if (changed.ok) return;
    const text =
      changed.error.code === "conflict"
        ? `${changed.error.current.decidedBy} changed this degree to ${changed.error.current.wanted} meanwhile; plan again.`
        : "This component has no degree.";
    throw new AdministrationError("conflict", text);
  }

  /** Stops at the number of servers that is reached: a consistent state, decided by this person. */
  async stop(changeId: string, actor: Actor): Promise<DegreeChange> {
    const run = [...this.#running.values()].find((candidate) => candidate.change.changeId === changeId);
    if (!run?.isRunning) throw new AdministrationError("conflict", "This change is not being carried out.", "changeId");
    const component = run.change.component as ServerComponent;
    const reached = Math.max(1, this.liveOf(component));
    await this.#parts.database.answering(async (store) => {
      const degree = await store.degrees.get(component);
      if (!degree) return;
      const decision = {
        wanted: reached,
        faults: null,
        deciderKind: "person" as const,
        decidedBy: actor.name,
        at: new Date(),
      };
      await store.degrees.change(component, degree.version, decision);
    });
    await this.place();
    await run.end("stopped", `${actor.name} stopped it with ${reached} servers`);
    return run.change;
  }

  async rollback(changeId: string, actor: Actor): Promise<DegreePlan> {
    const row = await this.#parts.database.answering((store) => store.degrees.plan(changeId));
    if (!row || row.state === "planned")
      throw new AdministrationError("not-found", "There is no such change.", "changeId");
    return this.plan({ component: row.component as FeedComponent, unit: "count", target: row.fromCount }, actor);
  }

  #planningFor(component: ServerComponent, target: number): DegreePlanning {
    const { membership } = this.#parts;
    return planDegreeChange({
      component,
      target,
      nodes: membership.nodes,
      wanted: membership.wanted,
      placement: membership.placement,
      live: this.liveOf(component),
      collocated: this.#isCollocated,
    });
  }

  #watch(row: PlanRow): DegreeRun {
    const component = row.component as ServerComponent;
    this.#running.get(component)?.close();
    const { database, feed, regulator, membership } = this.#parts;
    const run = new DegreeRun(row, {
      database,
      feed,
      live: () => this.liveOf(component),
      leaving: () => {
        const names = membership.of(component).map(({ server }) => server);
        return names.sort((left, right) => serverNumber(left) - serverNumber(right)).slice(row.toCount);
      },
      drain: (servers) => regulator.drain(servers),
      endDrain: (servers) => regulator.endDrain(servers),
      place: () => this.place(),
    });
    this.#running.set(component, run);
    run.start();
    return run;
  }

  async #lastChange(component: ServerComponent): Promise<DegreeChange | null> {
    const running = this.#running.get(component);
    if (running) return running.change;
    const plans = await this.#parts.database.answering((store) => store.degrees.plansOf(component, 10));
    const last = plans.find(({ startedAt }) => startedAt !== null);
    return last ? new DegreeRun(last, undefined).change : null;
  }

  #fixedBecause(component: FeedComponent): string | null {
    if (component === "execution-server") return null;
    if (component === "acceptance-test-server")
      return this.#isCollocated
        ? "In the optimized profile acceptance tests run beside the state replicas: their degree is that of the replicas."
        : null;
    const reasons: Partial<Record<FeedComponent, string>> = {
      "state-replica":
        "Every change of members is a new epoch with settlement and copying of objects; this cluster cannot do that yet.",
      "state-master":
        "Members of the masters' consensus change one at a time with a learner; this cluster cannot do that yet.",
      "traffic-regulator": "Backups of the traffic regulator are not built yet.",
      "configuration-manager": "Backups of the configuration manager are not built yet.",
    };
    return reasons[component] ?? "This component cannot be changed.";
  }

  #refuseFixed(component: FeedComponent): void {
    const because = this.#fixedBecause(component);
    if (because !== null) throw new AdministrationError("refused", because, "component");
  }
}

const deciderOf = (row: Degree | undefined): "person" | "policy" | "file" =>
  row?.deciderKind === "person" || row?.deciderKind === "policy" ? row.deciderKind : "file";

function toPlan(row: PlanRow, planning: DegreePlanning): DegreePlan {
  const { from, to, steps, availability, durability, warnings, blockers } = planningSchema.parse(planning);
  const estimatedMs = steps.reduce(
    (sum, { action }) => sum + (action === "start" ? START_ESTIMATE_MS : STOP_ESTIMATE_MS),
    0,
  );
  return {
    planId: row.id,
    component: row.component as FeedComponent,
    version: String(row.degreeVersion),
    from,
    to,
    steps: [...steps],
    bytesToCopy: 0,
    estimatedMs,
    availability,
    durability,
    warnings: [...warnings],
    blockers: [...blockers],
    expiresAt: row.expiresAt.toISOString(),
  };
}
