/**
 * One change of a degree being carried out: servers that leave are drained first, then the placement changes, then it is
 * watched until as many work as shall. Progress is what is observed, never the wish.
 */
import type { DegreePlan as PlanRow } from "@redoubt/database";
import type { DegreeChangeState, FeedComponent, ServerName } from "@redoubt/shared";
import type { DegreeChange } from "../administration/index.ts";
import type { ManagerDatabase } from "./database.ts";
import type { ManagerFeed } from "./feed.ts";

const WATCH_MS = 200;
/** Requests that are inside get this long to finish; what does not is run elsewhere (PROTOCOL §9). */
const DRAIN_MS = 300;
const LIMIT_MS = 170_000;

export interface DegreeRunParts {
  readonly database: ManagerDatabase;
  readonly feed: ManagerFeed;
  readonly live: () => number;
  readonly leaving: () => readonly ServerName[];
  readonly drain: (servers: readonly ServerName[]) => void;
  readonly endDrain: (servers: readonly ServerName[]) => void;
  readonly place: () => Promise<void>;
}

export class DegreeRun {
  readonly #parts: DegreeRunParts | undefined;
  #change: DegreeChange;
  #timer: NodeJS.Timeout | undefined;

  /** @param parts undefined: shows a change of the past */
  constructor(row: PlanRow, parts: DegreeRunParts | undefined) {
    this.#parts = parts;
    const { detail, live } = progressOf(row);
    this.#change = {
      changeId: row.id,
      component: row.component as FeedComponent,
      state: stateOf(row.state),
      previous: row.fromCount,
      wanted: row.toCount,
      live: parts?.live() ?? live,
      stepsDone: 0,
      stepsTotal: Math.max(1, Math.abs(row.toCount - row.fromCount)),
      detail,
      startedAt: (row.startedAt ?? row.createdAt).toISOString(),
      endedAt: row.finishedAt?.toISOString() ?? null,
      startedBy: row.startedBy ?? row.requestedBy,
    };
    if (this.#change.state === "done") this.#change.stepsDone = this.#change.stepsTotal;
  }

  get change(): DegreeChange {
    return this.#change;
  }

  get isRunning(): boolean {
    return this.#change.state === "running";
  }

  start(): void {
    void this.#carryOut();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async end(state: Exclude<DegreeChangeState, "running">, detail: string): Promise<void> {
    if (!this.isRunning) return;
    this.close();
    this.#change = {
      ...this.#change,
      state,
      detail,
      endedAt: new Date().toISOString(),
      live: this.#parts?.live() ?? 0,
    };
    this.#tell();
    const { changeId, live } = this.#change;
    const finished = { state, progress: { detail, live }, finishedAt: new Date() };
    // A manager that is ended in between finds the plan running and watches it to its end again.
    await this.#parts?.database
      .persistently((store) => store.degrees.changePlan(changeId, ["running"], finished))
      .catch(() => undefined);
  }

  async #carryOut(): Promise<void> {
    const parts = this.#parts;
    if (!parts) return;
    const leaving = parts.leaving();
    try {
      if (leaving.length > 0) {
        this.#progress(`draining ${leaving.join(", ")}`);
        parts.drain(leaving);
        await new Promise((resume) => setTimeout(resume, DRAIN_MS));
      }
      this.#progress("placing servers");
      await parts.place();
      this.#timer = setInterval(() => this.#watch(), WATCH_MS);
    } catch (error) {
      await this.end("failed", error instanceof Error ? error.message : String(error));
    } finally {
      if (leaving.length > 0) parts.endDrain(leaving);
    }
  }

  #watch(): void {
    const { wanted, startedAt } = this.#change;
    const live = this.#parts?.live() ?? 0;
    if (live === wanted) {
      this.#change = { ...this.#change, live, stepsDone: this.#change.stepsTotal };
      void this.end("done", `${live} of ${wanted} work`);
      return;
    }
    if (Date.now() - Date.parse(startedAt) > LIMIT_MS)
      void this.end("failed", `only ${live} of ${wanted} work after ${LIMIT_MS / 1000} s`);
    else if (live !== this.#change.live) this.#progress(`${live} of ${wanted} work`);
  }

  #progress(detail: string): void {
    const live = this.#parts?.live() ?? 0;
    const { wanted, stepsTotal } = this.#change;
    const stepsDone = Math.max(0, Math.min(stepsTotal, stepsTotal - Math.abs(wanted - live)));
    this.#change = { ...this.#change, live, detail, stepsDone };
    this.#tell();
  }

  #tell(): void {
    const { component, changeId, state, live, wanted, detail } = this.#change;
    const severity = state === "failed" ? "warning" : "info";
    void this.#parts?.feed.record({
      kind: "degree.progress",
      severity,
      component,
      changeId,
      state,
      live,
      wanted,
      detail,
    });
  }
}

const stateOf = (state: string): DegreeChangeState =>
  state === "running" || state === "done" || state === "stopped" ? state : "failed";

function progressOf({ progress }: PlanRow): { detail: string; live: number } {
  const { detail, live } = (progress ?? {}) as { detail?: unknown; live?: unknown };
  return { detail: typeof detail === "string" ? detail : "", live: typeof live === "number" ? live : 0 };
}
