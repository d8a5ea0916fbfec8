/**
 * The audit log: what administrators did, each entry chained by hash to the one before (I12). It can only be appended to
 * and checked. A cut tail leaves an intact chain, so whoever wants to notice one keeps a head from elsewhere and hands it
 * to `verify`.
 */
import type { PrismaClient } from "../generated/manager/client.ts";
import { type AuditEntryInput, type AuditRow, auditFault, auditHash, emptyHash, isEqual } from "./audit-chain.ts";
import { lockForTransaction } from "./locks.ts";
import { indexedLengthMax, storableText } from "./storable.ts";

const pageSize = 1_000;

/** Where the chain ends; sequence 0 and zeros while it is empty. */
export interface AuditHead {
  readonly sequence: bigint;
  readonly hash: Uint8Array;
}

export interface AuditVerification {
  readonly intact: boolean;
  /** Entries that were checked and fit the chain. */
  readonly entries: number;
  /** First entry that is missing, changed or out of place; null when none is. */
  readonly firstBad: bigint | null;
  readonly sentence: string;
  readonly head: AuditHead;
}

export class AuditRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Resolves when the entry is durable; on an error the action it records must not happen. */
  async append(input: AuditEntryInput): Promise<AuditRow> {
    return this.#client.$transaction(async (transaction) => {
      await lockForTransaction(transaction, "audit");
      const last = await transaction.auditEntry.findFirst({ orderBy: { sequence: "desc" } });
      const unhashed = {
        sequence: (last?.sequence ?? 0n) + 1n,
        at: input.at,
        actor: storableText(input.actor, indexedLengthMax),
        role: storableText(input.role),
        via: storableText(input.via),
        action: storableText(input.action),
        subject: storableText(input.subject, indexedLengthMax),
        reason: input.reason === null ? null : storableText(input.reason),
        detail: storableText(input.detail),
        previousHash: last?.hash ?? emptyHash,
      };
      return transaction.auditEntry.create({ data: { ...unhashed, hash: auditHash(unhashed) } });
    });
  }

  /** Newest first, older than `before` when given. */
  async list({ limit, before }: { limit: number; before?: bigint | undefined }): Promise<AuditRow[]> {
    return this.#client.auditEntry.findMany({
      ...(before === undefined ? {} : { where: { sequence: { lt: before } } }),
      orderBy: { sequence: "desc" },
      take: limit,
    });
  }

  async count(): Promise<number> {
    return this.#client.auditEntry.count();
  }

  async head(): Promise<AuditHead> {
    const last = await this.#client.auditEntry.findFirst({ orderBy: { sequence: "desc" } });
    return { sequence: last?.sequence ?? 0n, hash: last?.hash ?? emptyHash };
  }

  /** Checks every entry from the first, and that the chain still holds `known`, a head seen earlier. */
  async verify(known?: AuditHead): Promise<AuditVerification> {
    let previous: AuditHead & { hash: Uint8Array<ArrayBuffer> } = { sequence: 0n, hash: emptyHash };
    for (;;) {
      const rows = await this.#client.auditEntry.findMany({
        where: { sequence: { gt: previous.sequence } },
        orderBy: { sequence: "asc" },
        take: pageSize,
      });
      for (const row of rows) {
        const fault = auditFault(previous, row) ?? headFault(row, known);
        if (fault !== undefined) return bad(previous, fault);
        previous = row;
      }
      if (rows.length < pageSize) break;
    }
    if (known !== undefined && known.sequence > previous.sequence) {
      return bad(previous, `the log ends with entry ${previous.sequence}, but entry ${known.sequence} was seen before`);
    }
    const entries = Number(previous.sequence);
    return { intact: true, entries, firstBad: null, sentence: `all ${entries} entries are intact`, head: previous };
  }
}

function headFault(row: AuditRow, known: AuditHead | undefined): string | undefined {
  if (known?.sequence !== row.sequence || isEqual(known.hash, row.hash)) return undefined;
  return `entry ${row.sequence} is not the one that was seen before`;
}

function bad(lastGood: AuditHead, sentence: string): AuditVerification {
  const entries = Number(lastGood.sequence);
  return { intact: false, entries, firstBad: lastGood.sequence + 1n, sentence, head: lastGood };
}
