/**
 * Wanted replication degrees and the plans that change them. Every change names the version it was made from; whoever is
 * second is told what the first decided instead of overwriting it.
 */
import { fail, ok, type Result } from "@redoubt/shared";
import type { Degree, DegreePlan, PrismaClient } from "../generated/manager/client.ts";
import { storableJson } from "./storable.ts";

export type DeciderKind = "person" | "policy" | "file";

export interface DegreeDecision {
  readonly wanted: number;
  readonly faults: number | null;
  readonly deciderKind: DeciderKind;
  readonly decidedBy: string;
  readonly at: Date;
}

export type DegreeFailure = { readonly code: "not-found" } | { readonly code: "conflict"; readonly current: Degree };

export type PlanState = "planned" | "running" | "done" | "stopped" | "refused" | "failed" | "expired";

export interface NewDegreePlan {
  readonly id: string;
  readonly component: string;
  readonly fromCount: number;
  readonly toCount: number;
  readonly faults: number | null;
  readonly degreeVersion: number;
  /** Plain data: steps with reasons. */
  readonly steps: unknown;
  /** Plain data: verdicts for availability and durability. */
  readonly verdicts: unknown;
  readonly requestedBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** What carrying out a plan changes in its row. */
export interface PlanChange {
  readonly state?: PlanState;
  readonly progress?: unknown;
  readonly steps?: unknown;
  readonly startedAt?: Date;
  readonly startedBy?: string;
  readonly finishedAt?: Date;
}

export class DegreeRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Sets the degree of a component that has none yet; otherwise changes nothing. Returns the one that holds. */
  async ensure(component: string, decision: DegreeDecision): Promise<Degree> {
    await this.#client.degree.createMany({ data: [{ component, ...decision }], skipDuplicates: true });
    return this.#client.degree.findUniqueOrThrow({ where: { component } });
  }

  async list(): Promise<Degree[]> {
    return this.#client.degree.findMany({ orderBy: { component: "asc" } });
  }

  async get(component: string): Promise<Degree | null> {
    return this.#client.degree.findUnique({ where: { component } });
  }

  /** Changes the degree if it still is at `version`. */
  async change(component: string, version: number, decision: DegreeDecision): Promise<Result<Degree, DegreeFailure>> {
    const [changed] = await this.#client.degree.updateManyAndReturn({
      where: { component, version },
      data: { ...decision, version: { increment: 1 } },
    });
    if (changed !== undefined) return ok(changed);
    const current = await this.get(component);
    return fail(current === null ? { code: "not-found" } : { code: "conflict", current });
  }

  async addPlan(plan: NewDegreePlan): Promise<DegreePlan> {
    const data = { ...plan, state: "planned", steps: storableJson(plan.steps), verdicts: storableJson(plan.verdicts) };
    return this.#client.degreePlan.create({ data });
  }

  async plan(id: string): Promise<DegreePlan | null> {
    return this.#client.degreePlan.findUnique({ where: { id } });
  }

  /** Newest first. */
  async plansOf(component: string, limit: number): Promise<DegreePlan[]> {
    return this.#client.degreePlan.findMany({ where: { component }, orderBy: { createdAt: "desc" }, take: limit });
  }

  /** Plans being carried out, for a manager that has just become primary. */
  async runningPlans(): Promise<DegreePlan[]> {
    return this.#client.degreePlan.findMany({ where: { state: "running" }, orderBy: { startedAt: "asc" } });
  }

  /** Changes a plan that is in one of the states `from`; null when it is in another one, or not there. */
  async changePlan(id: string, from: readonly PlanState[], change: PlanChange): Promise<DegreePlan | null> {
    const { progress, steps, ...fields } = change;
    const [changed] = await this.#client.degreePlan.updateManyAndReturn({
      where: { id, state: { in: [...from] } },
      data: {
        ...fields,
        ...(progress === undefined ? {} : { progress: storableJson(progress) }),
        ...(steps === undefined ? {} : { steps: storableJson(steps) }),
      },
    });
    return changed ?? null;
  }
}
