/**
 * Requests in L1 as people see and decide them. A decision is a compare-and-set on the state, so two persons, two tabs or
 * a repeated call decide once. This is the record of the review; the regulator's log is what keeps a request from running.
 */
import { fail, ok, type QuarantineReason, type QuarantineState, type Result } from "@redoubt/shared";
import { Prisma, type PrismaClient, type QuarantinedRequest } from "../generated/manager/client.ts";
import { indexedLengthMax, storableJson, storableText } from "./storable.ts";

/** Everything but the payload, which is read on its own (`payload`) because reading it is a permission of its own. */
export type QuarantineRow = Omit<QuarantinedRequest, "payload">;
export type QuarantineClass = "malformed" | "unqualified";

export interface NewQuarantinedRequest {
  /** 64 hex digits. */
  readonly requestId: string;
  readonly attempt: number;
  readonly operation: string;
  readonly title: string;
  readonly client: string | null;
  readonly host: string;
  readonly reason: QuarantineReason;
  readonly check: string;
  readonly class: QuarantineClass;
  readonly severity: "low" | "high";
  /** Evidence as plain data. */
  readonly detail: unknown;
  readonly payload: Uint8Array;
  readonly at: Date;
  readonly held: boolean;
  readonly expiresAt: Date | null;
  readonly signatureId: string | null;
}

export interface QuarantineFilter {
  readonly class?: QuarantineClass | undefined;
  readonly states?: readonly QuarantineState[] | undefined;
  readonly reasons?: readonly QuarantineReason[] | undefined;
  readonly operation?: string | undefined;
  readonly client?: string | undefined;
  readonly host?: string | undefined;
  /** Only older ones (for the next page). */
  readonly before?: Date | undefined;
  readonly limit: number;
}

/** What a change of state may set besides the state. */
export interface QuarantineChange {
  readonly to: QuarantineState;
  readonly reviewer?: string | null;
  readonly claimedUntil?: Date | null;
  readonly releaseRequestedBy?: string | null;
  readonly decidedBy?: string | null;
  readonly decidedAt?: Date | null;
  readonly decisionNote?: string | null;
  readonly rerunRequestId?: string | null;
}

export type TransitionFailure =
  | { readonly code: "not-found" }
  /** It is in another state by now. */
  | { readonly code: "conflict"; readonly current: QuarantineRow };

export class QuarantineRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** False when this request id is there already; the row that is there stays as it is. */
  async add(request: NewQuarantinedRequest): Promise<boolean> {
    const { count } = await this.#client.quarantinedRequest.createMany({
      data: [
        {
          ...request,
          operation: storableText(request.operation, indexedLengthMax),
          title: storableText(request.title),
          client: request.client === null ? null : storableText(request.client, indexedLengthMax),
          host: storableText(request.host, indexedLengthMax),
          check: storableText(request.check),
          detail: storableJson(request.detail),
          payload: new Uint8Array(request.payload),
          state: "new",
        },
      ],
      skipDuplicates: true,
    });
    return count === 1;
  }

  /** A held request that was released has failed again, and is rejected now: its review begins anew. */
  async takeBack(request: NewQuarantinedRequest): Promise<boolean> {
    const { requestId, attempt, reason, severity, at, expiresAt, signatureId, held } = request;
    const { count } = await this.#client.quarantinedRequest.updateMany({
      where: { requestId, state: "released", at: { lt: at } },
      data: {
        ...{ attempt, reason, severity, at, expiresAt, signatureId, held, state: "new" },
        ...{ check: storableText(request.check), detail: storableJson(request.detail) },
        ...{ reviewer: null, claimedUntil: null, releaseRequestedBy: null },
        ...{ decidedBy: null, decidedAt: null, decisionNote: null },
      },
    });
    return count === 1;
  }

  /** Newest first. */
  async list(filter: QuarantineFilter): Promise<{ items: QuarantineRow[]; total: number }> {
    const where = whereOf(filter);
    const [items, total] = await Promise.all([
      this.#client.quarantinedRequest.findMany({
        where: filter.before === undefined ? where : { ...where, at: { lt: filter.before } },
        orderBy: [{ at: "desc" }, { requestId: "asc" }],
        take: filter.limit,
        omit: { payload: true },
      }),
      this.#client.quarantinedRequest.count({ where }),
    ]);
    return { items, total };
  }

  /** How many are in each state; a state without any is left out. */
  async counts(requestClass: QuarantineClass): Promise<Partial<Record<QuarantineState, number>>> {
    const groups = await this.#client.quarantinedRequest.groupBy({
      by: ["state"],
      where: { class: requestClass },
      _count: { _all: true },
    });
    return Object.fromEntries(groups.map(({ state, _count }) => [state, _count._all]));
  }

  async get(requestId: string): Promise<QuarantineRow | null> {
    return this.#client.quarantinedRequest.findUnique({ where: { requestId }, omit: { payload: true } });
  }

  /** The request as it was received, not masked. Null when there is no such request. */
  async payload(requestId: string): Promise<Uint8Array | null> {
    const row = await this.#client.quarantinedRequest.findUnique({ where: { requestId }, select: { payload: true } });
    return row?.payload ?? null;
  }

  /** Moves to another state if it is in one of `from` now; exactly one of several callers succeeds. */
  async transition(
    requestId: string,
    from: readonly QuarantineState[],
    change: QuarantineChange,
  ): Promise<Result<QuarantineRow, TransitionFailure>> {
    const { to, decisionNote, ...fields } = change;
    const data = { ...fields, ...noteField(decisionNote), state: to };
    const [changed] = await this.#client.quarantinedRequest.updateManyAndReturn({
      where: { requestId, state: { in: [...from] } },
      data,
      omit: { payload: true },
    });
    if (changed !== undefined) return ok(changed);
    const current = await this.get(requestId);
    return fail(current === null ? { code: "not-found" } : { code: "conflict", current });
  }

  /** Adds to the notes; false when there is no such request. */
  async addNote(requestId: string, note: { at: Date; by: string; text: string }): Promise<boolean> {
    const added = JSON.stringify([storableJson(note)]);
    const count = await this.#client.$executeRaw`
      UPDATE "QuarantinedRequest" SET "notes" = "notes" || ${added}::jsonb WHERE "requestId" = ${requestId}`;
    return count === 1;
  }

  /** Held requests whose time is up and that nobody decided: they are to be rejected, never released. */
  async overdue(now: Date, limit: number): Promise<QuarantineRow[]> {
    return this.#client.quarantinedRequest.findMany({
      where: { held: true, expiresAt: { lte: now }, state: { in: ["new", "claimed", "waiting-second"] } },
      orderBy: { expiresAt: "asc" },
      take: limit,
      omit: { payload: true },
    });
  }

  /** Forgets all but the newest `keep` unqualified requests, which anybody can make any number of. */
  async pruneUnqualified(keep: number): Promise<number> {
    return this.#client.$executeRaw(Prisma.sql`
      DELETE FROM "QuarantinedRequest" WHERE "class" = 'unqualified' AND "requestId" NOT IN (
        SELECT "requestId" FROM "QuarantinedRequest" WHERE "class" = 'unqualified' ORDER BY "at" DESC LIMIT ${keep})`);
  }
}

function whereOf(filter: QuarantineFilter): Prisma.QuarantinedRequestWhereInput {
  return {
    class: filter.class ?? "malformed",
    ...(filter.states === undefined ? {} : { state: { in: [...filter.states] } }),
    ...(filter.reasons === undefined ? {} : { reason: { in: [...filter.reasons] } }),
    ...(filter.operation === undefined ? {} : { operation: filter.operation }),
    ...(filter.client === undefined ? {} : { client: filter.client }),
    ...(filter.host === undefined ? {} : { host: filter.host }),
  };
}

function noteField(note: string | null | undefined): { decisionNote?: string | null } {
  if (note === undefined) return {};
  return { decisionNote: note === null ? null : storableText(note) };
}
