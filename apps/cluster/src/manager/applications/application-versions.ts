/**
 * Versions of the application, as people decide them: which bundle admits requests, which it replaced, which there were.
 * An order (deploy, roll back) takes effect in this order: its audit entry (the router's), the bundle at every server that
 * runs, the record in the database, the choice sent to the regulator. Whatever is killed in between finds either the old choice or the
 * new one, and servers that know both.
 */
import { join } from "node:path";
import type { ManagerOpening } from "@redoubt/database";
import type { ApplicationChoice, ServerName, ToConfigurationManager } from "@redoubt/shared";
import { z } from "zod";
import { type Actor, AdministrationError } from "../../administration/index.ts";
import { type LoadedApplication, loadApplication } from "../../applications/load-application.ts";
import type { ClusterFile } from "../../launch/cluster-file.ts";
import type { ManagerDatabase } from "../database.ts";
import type { ManagerFeed } from "../feed.ts";
import type { Membership } from "../membership.ts";
import type { MemoryFile } from "../memory.ts";
import type { Registry } from "../registry.ts";
import type { RegulatorLink } from "../regulator-link.ts";

const SETTING = "applications";
const POLL_MS = 50;
const LOAD_LIMIT_MS = 30_000;
const ADMIT_LIMIT_MS = 15_000;
const HASH = /^[0-9a-f]{64}$/;

const recordedSchema = z.object({
  hash: z.string().regex(HASH),
  deployedAt: z.number(),
  deployedBy: z.string(),
});
const choiceSchema = z.object({
  order: z.int(),
  current: z.string().regex(HASH),
  replaces: z.string().regex(HASH).optional(),
  trialRequests: z.int(),
});
const stateSchema = z.object({ choice: choiceSchema, versions: z.array(recordedSchema) });

export type RecordedVersion = z.infer<typeof recordedSchema>;
type State = z.infer<typeof stateSchema>;
export type ApplicationStatusMessage = Extract<ToConfigurationManager, { kind: "applicationStatus" }>;

export interface ApplicationVersionsParts {
  readonly cluster: ClusterFile;
  readonly folder: string;
  readonly memory: MemoryFile;
  readonly database: ManagerDatabase;
  readonly membership: Membership;
  readonly registry: Registry;
  readonly regulator: RegulatorLink;
  readonly feed: ManagerFeed;
}

export class ApplicationVersions {
  readonly #parts: ApplicationVersionsParts;
  #state: State;
  #loading: string | undefined;
  #isBusy = false;
  #status: ApplicationStatusMessage | undefined;
  /** Trials that were told to be over, by order. */
  #passedOrder = 0;

  constructor(parts: ApplicationVersionsParts) {
    this.#parts = parts;
    const { cluster, memory } = parts;
    this.#state = {
      choice: memory.value.applications?.choice ?? { order: 0, current: cluster.application, trialRequests: 0 },
      versions: [{ hash: cluster.application, deployedAt: cluster.createdAt, deployedBy: "first start" }],
    };
  }

  /** What people have decided is in the database; it holds also when this manager's file is lost. */
  open({ settings }: Pick<ManagerOpening, "settings">): void {
    const stored = stateSchema.safeParse(settings.get(SETTING));
    if (!stored.success) return;
    this.#state = stored.data;
    this.#publish();
  }

  get choice(): ApplicationChoice {
    const { order, current, replaces, trialRequests } = this.#state.choice;
    return { order, current, trialRequests, ...(replaces === undefined ? {} : { replaces }) };
  }

  /** Newest first. */
  get versions(): readonly RecordedVersion[] {
    return [...this.#state.versions].reverse();
  }

  get loading(): string | undefined {
    return this.#loading;
  }

  /** As the regulator told it last. */
  get status(): ApplicationStatusMessage | undefined {
    return this.#status;
  }

  /** The bundle of this content address on this node; refuses what is no whole bundle. */
  load(hash: string): LoadedApplication {
    try {
      return loadApplication(join(this.#parts.folder, hash));
    } catch {
      throw new AdministrationError("not-found", `hash: there is no whole bundle ${hash} on this node.`, "hash");
    }
  }

  take(status: ApplicationStatusMessage): void {
    const before = this.#status;
    this.#status = status;
    const { trial, order } = status;
    if (trial && trial.requests >= trial.of && order > this.#passedOrder && order === this.#state.choice.order) {
      this.#passedOrder = order;
      if (before?.order === order && before.trial && before.trial.requests < trial.of)
        this.#tell("trial-passed", "traffic");
    }
    // A version that no request needs any more needs no workers either, unless it is the one to go back to.
    const inProgress = Object.keys(status.inProgress).sort().join();
    if (before && inProgress !== Object.keys(before.inProgress).sort().join() && this.#state.choice.order > 0)
      this.#publish();
  }

  async deploy(hash: string, trialRequests: number, actor: Actor): Promise<void> {
    const { current } = this.#state.choice;
    if (hash === current) throw new AdministrationError("conflict", "This version admits requests already.", "hash");
    const choice = { current: hash, replaces: current, trialRequests };
    await this.#choose(choice, actor, "deployed");
  }

  async rollBack(to: string, actor: Actor): Promise<void> {
    await this.#choose({ current: to, trialRequests: 0 }, actor, "rolled-back");
  }

  async #choose(next: Omit<State["choice"], "order">, actor: Actor, action: "deployed" | "rolled-back"): Promise<void> {
    if (this.#isBusy) throw new AdministrationError("conflict", "Another version is being deployed at this moment.");
    this.#isBusy = true;
    const { current: hash } = next;
    try {
      this.#loading = hash;
      this.#publish();
      await this.#isLoaded(hash);
      const order = this.#state.choice.order + 1;
      const recorded = { hash, deployedAt: Date.now(), deployedBy: actor.name };
      const versions = [...this.#state.versions.filter((version) => version.hash !== hash), recorded];
      const state: State = { choice: { ...next, order }, versions };
      await this.#parts.database.answering((store) => store.settings.set(SETTING, state, actor.name, new Date()));
      const previous = this.#state.choice.current;
      this.#state = state;
      this.#loading = undefined;
      this.#publish();
      await this.#isAdmitting(hash, order);
      this.#tell(action, actor.name, previous);
    } finally {
      this.#isBusy = false;
      if (this.#loading !== undefined) {
        this.#loading = undefined;
        this.#publish();
      }
    }
  }

  /** To all servers by the directory, on all nodes' disks by the membership, to the regulator by its configuration. */
  #publish(): void {
    const { memory, membership, regulator } = this.#parts;
    const { choice, versions } = this.#state;
    const inProgress = Object.keys(this.#status?.inProgress ?? {}).filter((hash) => HASH.test(hash));
    const loading = this.#loading === undefined ? [] : [this.#loading];
    const known = new Set([...versions.map(({ hash }) => hash), ...loading]);
    const ready = new Set([
      choice.current,
      ...(choice.replaces === undefined ? [] : [choice.replaces]),
      ...loading,
      ...inProgress.filter((hash) => known.has(hash)),
    ]);
    const told = { known: [...known], ready: [...ready], ...(choice.order > 0 ? { choice } : {}) };
    if (JSON.stringify(told) === JSON.stringify(memory.value.applications)) return;
    memory.value.applications = told;
    memory.write();
    membership.applicationsChanged();
    regulator.configure();
  }

  /** Servers that run and must have the version; those that do not run read it from their node's disk when they start. */
  loadedBy(hash: string): { readonly loaded: ServerName[]; readonly missing: ServerName[] } {
    const loaded: ServerName[] = [];
    const missing: ServerName[] = [];
    for (const { server, component, report, health, state } of this.#parts.registry.servers) {
      if (!SERVING.has(component) || report?.state !== "running" || state === "discarded" || state === "down") continue;
      const isOfIt = health?.incarnation === report.incarnation && health.applications?.includes(hash);
      (isOfIt ? loaded : missing).push(server);
    }
    return { loaded, missing };
  }

  async #isLoaded(hash: string): Promise<void> {
    const { registry, membership } = this.#parts;
    const behind = () =>
      registry.nodes.filter(
        ({ state, membershipVersion }) => state === "up" && membershipVersion !== membership.version,
      );
    const limit = performance.now() + LOAD_LIMIT_MS;
    while (this.loadedBy(hash).missing.length > 0 || behind().length > 0) {
      if (performance.now() > limit) {
        const names = [...this.loadedBy(hash).missing, ...behind().map(({ name }) => name)].join(", ");
        throw new AdministrationError("unavailable", `Nothing was changed: the version did not get to ${names}.`);
      }
      await pause();
    }
  }

  async #isAdmitting(hash: string, order: number): Promise<void> {
    const limit = performance.now() + ADMIT_LIMIT_MS;
    while (this.#status?.current !== hash || this.#status.order !== order) {
      if (performance.now() > limit) {
        const text = "The order is recorded; the traffic regulator has not confirmed it yet and will when it is back.";
        throw new AdministrationError("unavailable", text);
      }
      await pause();
    }
  }

  #tell(action: "deployed" | "rolled-back" | "trial-passed", by: string, previous?: string): void {
    const { current, replaces } = this.#state.choice;
    const { version } = this.load(current).contract;
    const cause =
      action === "trial-passed"
        ? "its first requests are through: the breaker looks at the last minute only from now on"
        : "requests are admitted under it; earlier ones finish on the version that admitted them";
    void this.#parts.feed.record({
      kind: "application.changed",
      severity: "notice",
      hash: current,
      version,
      previous: previous ?? replaces ?? null,
      action,
      by,
      cause,
    });
  }
}

const SERVING: ReadonlySet<string> = new Set([
  "traffic-regulator",
  "execution-server",
  "state-replica",
  "acceptance-test-server",
]);

const pause = (): Promise<void> => new Promise((resume) => setTimeout(resume, POLL_MS));
