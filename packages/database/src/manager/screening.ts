/**
 * What the regulator screens by, as people see and change it: blocked hosts, signatures of malformed requests, and rules.
 * The regulator holds its own copy; these rows are where decisions of people are kept and shown.
 */
import type { BlockedHost, PrismaClient, ScreeningRule, Signature } from "../generated/manager/client.ts";
import { indexedLengthMax, storableJson, storableText } from "./storable.ts";

export interface NewBlock {
  readonly id: string;
  readonly kind: "principal" | "address";
  readonly value: string;
  readonly reason: string;
  readonly requestId: string | null;
  readonly at: Date;
  readonly expiresAt: Date | null;
}

export type SignatureMode = "off" | "shadow" | "enforce";

export interface NewSignature {
  readonly id: string;
  readonly operation: string;
  /** Plain data that says what matches. */
  readonly pattern: unknown;
  readonly mode: SignatureMode;
  readonly requestId: string | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
}

export interface NewScreeningRule {
  readonly id: string;
  readonly name: string;
  readonly operation: string | null;
  readonly expression: unknown;
  readonly mode: SignatureMode;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
}

/** Hits counted since they were last written. */
export interface SignatureHits {
  readonly id: string;
  readonly hits: number;
  readonly shadowHits: number;
  readonly lastHitAt: Date;
}

export class ScreeningRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Several blocks of one value may stand beside each other, each for its own reason. */
  async block(block: NewBlock): Promise<BlockedHost> {
    return this.#client.blockedHost.create({
      data: { ...block, value: storableText(block.value, indexedLengthMax), reason: storableText(block.reason) },
    });
  }

  /** Blocks that stand at `now`, newest first. */
  async activeBlocks(now: Date): Promise<BlockedHost[]> {
    return this.#client.blockedHost.findMany({
      where: { liftedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] },
      orderBy: { at: "desc" },
    });
  }

  /** Lifts every block of the value at once, shadowed ones included; returns them. */
  async liftBlocks(kind: NewBlock["kind"], value: string, by: string, at: Date): Promise<BlockedHost[]> {
    const data = { liftedAt: at, liftedBy: by };
    return this.#client.blockedHost.updateManyAndReturn({ where: { kind, value, liftedAt: null }, data });
  }

  /** Lifts what a quarantined request caused, when it was released; returns the lifted blocks. */
  async liftBlocksOf(requestId: string, by: string, at: Date): Promise<BlockedHost[]> {
    const data = { liftedAt: at, liftedBy: by };
    return this.#client.blockedHost.updateManyAndReturn({ where: { requestId, liftedAt: null }, data });
  }

  /**
   * What matches the same has the same id. One that stands stays as it is; one that was revoked before `createdAt` was
   * learned again and stands anew. False when nothing changed: it was told of before.
   */
  async addSignature(signature: NewSignature): Promise<boolean> {
    const { id, ...rest } = signature;
    const data = { ...rest, pattern: storableJson(signature.pattern) };
    const added = await this.#client.signature.createMany({ data: [{ ...data, id }], skipDuplicates: true });
    if (added.count === 1) return true;
    const { count } = await this.#client.signature.updateMany({
      where: { id, revokedAt: { lt: signature.createdAt } },
      data: { ...data, revokedAt: null },
    });
    return count === 1;
  }

  /** Newest first, revoked ones left out. */
  async signatures(): Promise<Signature[]> {
    return this.#client.signature.findMany({ where: { revokedAt: null }, orderBy: { createdAt: "desc" } });
  }

  /** False when there is no such signature that stands. */
  async setSignatureMode(id: string, mode: SignatureMode): Promise<boolean> {
    const { count } = await this.#client.signature.updateMany({ where: { id, revokedAt: null }, data: { mode } });
    return count === 1;
  }

  /** Revokes what was learned from a request, when it was released; returns the revoked signatures. */
  async revokeSignaturesOf(requestId: string, at: Date): Promise<Signature[]> {
    const where = { requestId, revokedAt: null };
    return this.#client.signature.updateManyAndReturn({ where, data: { revokedAt: at } });
  }

  async countHits(counted: readonly SignatureHits[]): Promise<void> {
    await this.#client.$transaction(
      counted.map(({ id, hits, shadowHits, lastHitAt }) =>
        this.#client.signature.updateMany({
          where: { id },
          data: { hits: { increment: hits }, shadowHits: { increment: shadowHits }, lastHitAt },
        }),
      ),
    );
  }

  async addRule(rule: NewScreeningRule): Promise<ScreeningRule> {
    const data = { ...rule, updatedAt: rule.createdAt, expression: storableJson(rule.expression) };
    return this.#client.screeningRule.create({ data });
  }

  async rules(): Promise<ScreeningRule[]> {
    return this.#client.screeningRule.findMany({ orderBy: { name: "asc" } });
  }

  async removeRule(id: string): Promise<boolean> {
    return (await this.#client.screeningRule.deleteMany({ where: { id } })).count === 1;
  }
}
