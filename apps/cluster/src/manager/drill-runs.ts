/**
 * Drills in a running cluster, one at a time: each is a process of its own that the manager starts on an audited order,
 * serves until it has a verdict, and cleans up after. Refused where the cluster was started without drills.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ServerName } from "@redoubt/shared";
import type { Logger } from "pino";
import { type Actor, AdministrationError, type DrillResult, type DrillRun } from "../administration/index.ts";
import { inheritedEnvironment } from "../env.ts";
import { type DrillAssignment, type DrillOrder, fromDrillSchema, type ToDrill } from "./drill-orders.ts";
import type { ManagerFeed } from "./feed.ts";

const LIMIT_MS = 180_000;
/** Of a run of several drills. */
const LONG_LIMIT_MS = 20 * 60_000;
/** Scenes (S1, S2, …) are set for a test that judges for itself, and last as long as it does. */
const SCENE_LIMIT_MS = 2 * 3_600_000;
const RUNS_KEPT_MAX = 100;
const ENTRY = "drills/run.js";
/** What a drill may ask for while it runs. */
export interface DrillTools {
  readonly replaceServer: (server: ServerName, entry: string | undefined, isLasting?: boolean) => boolean;
  readonly drain: (servers: readonly ServerName[]) => void;
  readonly endDrain: (servers: readonly ServerName[]) => void;
  readonly addClient: (client: string, roles: readonly string[]) => Promise<{ client: string; key: string }>;
  readonly revokeClient: (client: string) => Promise<void>;
  readonly unblock: (host: string) => Promise<void>;
  readonly status: () => Promise<unknown>;
}

export interface DrillRunsParts {
  readonly allowed: boolean;
  readonly assignment: Omit<DrillAssignment, "drillId" | "drill">;
  readonly feed: ManagerFeed;
  readonly log: Logger;
  readonly recordProcess: (name: string, pid: number) => void;
}

const isScene = (drill: string): boolean => /^S\d/.test(drill);

interface Running {
  readonly child: ChildProcess;
  readonly isScene: boolean;
  /** Servers that run, or ran, an entry of the drill. */
  readonly touched: Set<ServerName>;
  /** Servers that get no work at its word. */
  readonly drained: Set<ServerName>;
  readonly clients: Set<string>;
}

export class DrillRuns {
  readonly #parts: DrillRunsParts;
  readonly #runs = new Map<string, DrillRun>();
  #tools: DrillTools | undefined;
  #running: Running | undefined;

  constructor(parts: DrillRunsParts) {
    this.#parts = parts;
  }

  /** What drills may ask for; known once everything else is there. */
  use(tools: DrillTools): void {
    this.#tools = tools;
  }

  close(): void {
    this.#running?.child.kill("SIGKILL");
  }

  start(drill: string, actor: Actor): DrillRun {
    const entry = join(import.meta.dirname, "..", ENTRY);
    if (!this.#parts.allowed)
      throw new AdministrationError(
        "refused",
        "This cluster was started with --no-drills: nothing in it may be made to misbehave.",
      );
    if (!existsSync(entry)) throw new AdministrationError("unavailable", "This installation holds no drills.");
    if (this.#running?.isScene) this.#endScene(this.#running);
    if (this.#running) throw new AdministrationError("conflict", "Another drill is running; wait for its verdict.");
    const drillId = randomUUID();
    const run: DrillRun = {
      drillId,
      drill,
      state: "running",
      startedAt: new Date().toISOString(),
      results: [],
      error: null,
    };
    this.#remember(run);
    this.#parts.log.warn({ drill, drillId, by: actor.name }, "a drill starts");
    this.#launch(entry, drillId, drill);
    return run;
  }

  result(drillId: string): DrillRun {
    const run = this.#runs.get(drillId);
    if (!run) throw new AdministrationError("not-found", "There is no such drill.", "drillId");
    return run;
  }

  #launch(entry: string, drillId: string, drill: string): void {
    const { assignment, feed, recordProcess } = this.#parts;
    const child = fork(entry, [JSON.stringify({ ...assignment, drillId, drill } satisfies DrillAssignment)], {
      env: inheritedEnvironment(),
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    if (child.pid !== undefined) recordProcess("drill", child.pid);
    const running: Running = {
      child,
      isScene: isScene(drill),
      touched: new Set(),
      drained: new Set(),
      clients: new Set(),
    };
    this.#running = running;
    const tell = (message: ToDrill): void => {
      if (child.connected) child.send(message);
    };
    const unsubscribe = feed.subscribe((event) => tell({ kind: "event", event }));
    const limitMs = running.isScene ? SCENE_LIMIT_MS : /ALL|,/.test(drill) ? LONG_LIMIT_MS : LIMIT_MS;
    const limit = setTimeout(() => {
      this.#finish(drillId, { state: "failed", error: `no verdict within ${limitMs / 1000} s` });
      child.kill("SIGKILL");
    }, limitMs);
    child.on("message", (message) => void this.#take(drillId, running, message, tell));
    child.once("exit", (code, signal) => {
      clearTimeout(limit);
      unsubscribe();
      this.#finish(drillId, {
        state: "failed",
        error: `the drill ended without a verdict (${signal ?? `exit code ${code}`})`,
      });
      void this.#cleanUp(running);
    });
    child.once("error", (error) => this.#finish(drillId, { state: "failed", error: error.message }));
  }

  async #take(drillId: string, running: Running, message: unknown, tell: (message: ToDrill) => void): Promise<void> {
    const parsed = fromDrillSchema.safeParse(message);
    if (!parsed.success) {
      this.#parts.log.warn({ problem: parsed.error.message }, "a drill said something unknown");
      return;
    }
    const said = parsed.data;
    if (said.kind === "result") this.#note(drillId, said.result);
    else if (said.kind === "done") this.#finish(drillId, { state: "done" });
    else if (said.kind === "failed") this.#finish(drillId, { state: "failed", error: said.error });
    else {
      try {
        tell({ kind: "answer", id: said.id, ok: true, value: await this.#carryOut(running, said.order) });
      } catch (error) {
        tell({ kind: "answer", id: said.id, ok: false, error: error instanceof Error ? error.message : String(error) });
      }
    }
  }

  async #carryOut(running: Running, order: DrillOrder): Promise<unknown> {
    const tools = this.#tools;
    if (!tools) throw new Error("the manager is not ready");
    switch (order.kind) {
      case "replaceServer":
        running.touched.add(order.server);
        if (!tools.replaceServer(order.server, order.entry, order.lasting))
          throw new Error(`there is no server named ${order.server}`);
        return null;
      case "restoreServer":
        running.touched.delete(order.server);
        if (!tools.replaceServer(order.server, undefined)) throw new Error(`there is no server named ${order.server}`);
        return null;
      case "drain":
        for (const server of order.servers) running.drained.add(server);
        tools.drain(order.servers);
        return null;
      case "endDrain":
        for (const server of order.servers) running.drained.delete(server);
        tools.endDrain(order.servers);
        return null;
      case "addClient":
        running.clients.add(order.client);
        return tools.addClient(order.client, order.roles);
      case "revokeClient":
        running.clients.delete(order.client);
        return tools.revokeClient(order.client).then(() => null);
      case "unblock":
        return tools.unblock(order.host).then(() => null);
      case "status":
        return tools.status();
    }
  }

  /** What comes next replaces the servers it replaced. */
  #endScene(running: Running): void {
    running.touched.clear();
    running.child.kill("SIGKILL");
    this.#running = undefined;
  }

  /** Whatever the drill left behind: its servers are honest again, its clients are gone. */
  async #cleanUp(running: Running): Promise<void> {
    if (this.#running === running) this.#running = undefined;
    this.#tools?.endDrain([...running.drained]);
    for (const server of running.touched) this.#tools?.replaceServer(server, undefined);
    for (const client of running.clients) await this.#tools?.revokeClient(client).catch(() => undefined);
  }

  #note(drillId: string, result: DrillResult): void {
    const run = this.#runs.get(drillId);
    if (run?.state === "running") this.#runs.set(drillId, { ...run, results: [...run.results, result] });
  }

  #finish(drillId: string, end: Pick<DrillRun, "state"> & Partial<Pick<DrillRun, "error">>): void {
    const run = this.#runs.get(drillId);
    if (run?.state === "running") this.#runs.set(drillId, { ...run, ...end });
  }

  #remember(run: DrillRun): void {
    this.#runs.set(run.drillId, run);
    if (this.#runs.size <= RUNS_KEPT_MAX) return;
    const [oldest] = this.#runs.keys();
    if (oldest !== undefined) this.#runs.delete(oldest);
  }
}
