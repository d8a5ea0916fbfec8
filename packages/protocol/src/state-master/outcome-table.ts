/**
 * What became of every request id within the window (PROTOCOL §7: ids are kept for a window), packed: about 120 bytes
 * each. Ids come in generations; the oldest generation goes as a whole, when all of it is older than the window or there
 * are too many. Which ids are there follows from the applied commands alone, so that all masters forget the same.
 */
import { LIMITS, type RequestId, type RequestOutcome } from "@redoubt/shared";
import { DIGEST_BYTES, grown, isDigestAt, readDigest, writeDigest } from "./packed-digests.ts";

export type DecidedOutcome = Exclude<RequestOutcome, { readonly kind: "unknown" }>;

export interface OutcomeLimits {
  /** Ids admitted within this time share a generation. */
  readonly generationMs: number;
  readonly generationMax: number;
  readonly generationsMax: number;
}

export const OUTCOME_LIMITS: OutcomeLimits = {
  generationMs: LIMITS.idempotencyWindowMs / 2,
  generationMax: 1_000_000,
  generationsMax: 24,
};

/** Id, change digest, reply digest, admission (8 bytes), attempt (4 bytes; all ones: closed). */
const ADMITTED_AT = 3 * DIGEST_BYTES;
const ATTEMPT_AT = ADMITTED_AT + 8;
const ROW_BYTES = ATTEMPT_AT + 4;
const CLOSED = 0xffff_ffff;
const FIRST_ROWS = 64;

export interface PackedGeneration {
  readonly startedAt: number;
  readonly newestAt: number;
  readonly rows: Uint8Array;
}

/** Open addressing over the first bytes of ids, which are SHA-256 and so spread evenly. */
class Generation {
  startedAt: number;
  newestAt: number;
  count = 0;
  #rows: Uint8Array = new Uint8Array(ROW_BYTES * FIRST_ROWS);
  #index = new Int32Array(FIRST_ROWS * 2).fill(-1);

  constructor(startedAt: number) {
    this.startedAt = startedAt;
    this.newestAt = startedAt;
  }

  /** Row of the id in `key`, or -1. */
  find(key: Uint8Array): number {
    const mask = this.#index.length - 1;
    for (let at = hashOf(key, 0) & mask; ; at = (at + 1) & mask) {
      const row = this.#index[at] as number;
      if (row < 0 || isDigestAt(this.#rows, row * ROW_BYTES, key, 0)) return row;
    }
  }

  add(key: Uint8Array, outcome: DecidedOutcome): void {
    if ((this.count + 1) * ROW_BYTES > this.#rows.length) this.#grow();
    const row = this.count++;
    const at = row * ROW_BYTES;
    this.#rows.set(key, at);
    let attempt = CLOSED;
    if (outcome.kind === "verified") {
      writeDigest(this.#rows, at + DIGEST_BYTES, outcome.change.digest);
      writeDigest(this.#rows, at + 2 * DIGEST_BYTES, outcome.replyDigest);
      attempt = outcome.change.attempt;
    }
    const view = new DataView(this.#rows.buffer);
    view.setFloat64(at + ADMITTED_AT, outcome.admittedAt ?? 0);
    view.setUint32(at + ATTEMPT_AT, attempt);
    this.#place(row);
  }

  #place(row: number): void {
    const mask = this.#index.length - 1;
    let at = hashOf(this.#rows, row * ROW_BYTES) & mask;
    while ((this.#index[at] as number) >= 0) at = (at + 1) & mask;
    this.#index[at] = row;
  }

  #grow(): void {
    this.#rows = grown(this.#rows);
    this.#index = new Int32Array(this.#index.length * 2).fill(-1);
    for (let row = 0; row < this.count; row++) this.#place(row);
  }

  read(row: number): DecidedOutcome {
    const at = row * ROW_BYTES;
    const view = new DataView(this.#rows.buffer);
    const admittedAt = view.getFloat64(at + ADMITTED_AT);
    const attempt = view.getUint32(at + ATTEMPT_AT);
    if (attempt === CLOSED) return { kind: "closed", admittedAt };
    const requestId = readDigest(this.#rows, at) as string as RequestId;
    const digest = readDigest(this.#rows, at + DIGEST_BYTES);
    const replyDigest = readDigest(this.#rows, at + 2 * DIGEST_BYTES);
    return { kind: "verified", change: { digest, requestId, attempt }, replyDigest, admittedAt };
  }

  idOf(row: number): RequestId {
    return readDigest(this.#rows, row * ROW_BYTES) as string as RequestId;
  }

  pack(): PackedGeneration {
    const { startedAt, newestAt } = this;
    return { startedAt, newestAt, rows: this.#rows.slice(0, this.count * ROW_BYTES) };
  }

  load({ newestAt, rows }: PackedGeneration): void {
    this.newestAt = newestAt;
    while (this.#rows.length < rows.length) this.#grow();
    this.#rows.set(rows);
    this.count = rows.length / ROW_BYTES;
    for (let row = 0; row < this.count; row++) this.#place(row);
  }
}

const hashOf = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 24) |
  ((bytes[at + 1] as number) << 16) |
  ((bytes[at + 2] as number) << 8) |
  (bytes[at + 3] as number);

export class OutcomeTable {
  readonly #limits: OutcomeLimits;
  readonly #key = new Uint8Array(DIGEST_BYTES);
  #generations: Generation[] = [];

  constructor(limits: OutcomeLimits = OUTCOME_LIMITS) {
    this.#limits = limits;
  }

  /** Of requests admitted before. */
  forget(admittedBefore: number): void {
    while (this.#generations[0] !== undefined && this.#generations[0].newestAt < admittedBefore)
      this.#generations.shift();
  }

  get size(): number {
    return this.#generations.reduce((count, generation) => count + generation.count, 0);
  }

  has(requestId: RequestId): boolean {
    return this.#find(requestId) !== undefined;
  }

  get(requestId: RequestId): DecidedOutcome | undefined {
    const found = this.#find(requestId);
    return found?.generation.read(found.row);
  }

  #find(requestId: RequestId): { readonly generation: Generation; readonly row: number } | undefined {
    if (this.#generations.length === 0 || requestId.length !== DIGEST_BYTES * 2) return undefined;
    writeDigest(this.#key, 0, requestId);
    for (let index = this.#generations.length - 1; index >= 0; index--) {
      const generation = this.#generations[index] as Generation;
      const row = generation.find(this.#key);
      if (row >= 0) return { generation, row };
    }
    return undefined;
  }

  /** The id has no outcome yet. */
  set(requestId: RequestId, outcome: DecidedOutcome): void {
    const { generationMs, generationMax, generationsMax } = this.#limits;
    const admittedAt = outcome.admittedAt ?? 0;
    let newest = this.#generations.at(-1);
    // Closed before anything was verified: of no known age, so as old as what comes next.
    if (newest?.newestAt === 0) newest.startedAt = admittedAt;
    if (!newest || newest.count >= generationMax || admittedAt > newest.startedAt + generationMs) {
      newest = new Generation(admittedAt);
      this.#generations.push(newest);
      if (this.#generations.length > generationsMax) this.#generations.shift();
    }
    newest.newestAt = Math.max(newest.newestAt, admittedAt);
    writeDigest(this.#key, 0, requestId);
    newest.add(this.#key, outcome);
  }

  *keys(): IterableIterator<RequestId> {
    for (const [requestId] of this) yield requestId;
  }

  *[Symbol.iterator](): IterableIterator<[RequestId, DecidedOutcome]> {
    for (const generation of this.#generations) {
      for (let row = 0; row < generation.count; row++) yield [generation.idOf(row), generation.read(row)];
    }
  }

  pack(): PackedGeneration[] {
    return this.#generations.map((generation) => generation.pack());
  }

  load(generations: readonly PackedGeneration[]): void {
    this.#generations = generations.map((packed) => {
      const generation = new Generation(packed.startedAt);
      generation.load(packed);
      return generation;
    });
  }
}
