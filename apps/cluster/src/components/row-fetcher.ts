/**
 * Rows of another master's database: one question at a time, to one peer after the other until one answers with what was
 * asked for; and how such a question is answered. Both work on the databases, never on the cores.
 */
import type { MasterStore } from "@redoubt/database";
import type { RowsMessage, ServerName } from "@redoubt/shared";
import { unpackSlot } from "./master-rows.ts";

const ANSWER_MS = 2_000;
const ROWS_MAX = 512;
const BYTES_MAX = 512 * 1024;

export class RowFetcher {
  readonly #peers: readonly ServerName[];
  readonly #ask: (peer: ServerName, after: number) => void;
  #waiting:
    | { readonly peer: ServerName; readonly after: number; readonly resolve: (message: RowsMessage) => void }
    | undefined;
  #next = 0;

  constructor(peers: readonly ServerName[], ask: (peer: ServerName, after: number) => void) {
    this.#peers = peers;
    this.#ask = ask;
  }

  /** Undefined when nobody has any. */
  async fetch(after: number): Promise<RowsMessage | undefined> {
    for (let tries = 0; tries < this.#peers.length; tries++) {
      const peer = this.#peers[this.#next % this.#peers.length] as ServerName;
      const message = await this.#fetchFrom(peer, after);
      if (message && message.rows.length > 0) return message;
      this.#next += 1;
    }
    return undefined;
  }

  #fetchFrom(peer: ServerName, after: number): Promise<RowsMessage | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined;
        resolve(undefined);
      }, ANSWER_MS);
      const answered = (message: RowsMessage): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
        resolve(message);
      };
      this.#waiting = { peer, after, resolve: answered };
      this.#ask(peer, after);
    });
  }

  received(from: ServerName, message: RowsMessage): void {
    if (this.#waiting?.peer !== from || this.#waiting.after !== message.after) return;
    // Copies: payloads are views into the link's memory, and are written later.
    const rows = message.rows.map((row) => ({ ...row, payload: new Uint8Array(row.payload) }));
    const { base } = message;
    const copied = base && { base: { ...base, chainDigest: new Uint8Array(base.chainDigest) } };
    this.#waiting.resolve({ ...message, rows, ...copied });
  }
}

/** What a peer is answered; undefined while the database is away. */
export async function rowsAfter(store: MasterStore | undefined, after: number): Promise<RowsMessage | undefined> {
  try {
    return store && (await readRows(store, after));
  } catch {
    return undefined;
  }
}

/** What a follower of the decisions is answered. */
export async function decisionsAfter(store: MasterStore | undefined, after: number) {
  const found = await rowsAfter(store, after);
  return (
    found && {
      slots: found.rows.map(({ slot, at, payload }) => ({
        slot,
        at,
        decisions: unpackSlot(slot, at, payload).decisions,
      })),
      // Reduced rows hold every decision that a follower needs: none is ever told to look elsewhere.
      ...{ through: found.through, prunedThrough: 0 },
    }
  );
}

async function readRows(store: MasterStore, after: number): Promise<RowsMessage> {
  // The applied slot first: rows that come in meanwhile are more than was promised, never less.
  const applied = Number(await store.appliedSlot());
  const found = await store.slotsAfter(BigInt(after), ROWS_MAX);
  const rows: { slot: number; at: number; payload: Uint8Array }[] = [];
  let bytes = 0;
  for (const { slot, at, payload } of found) {
    bytes += payload.length;
    if (rows.length > 0 && bytes > BYTES_MAX) break;
    rows.push({ slot: Number(slot), at: at.getTime(), payload });
  }
  const isAll = rows.length === found.length && found.length < ROWS_MAX;
  const last = rows.at(-1)?.slot ?? after;
  // After the rows: one that was reduced meanwhile came whole, which does no harm; the other way round it would.
  const { reducedThrough, reducedAt, chainDigest } = await store.retention();
  const base = { reducedThrough: Number(reducedThrough), reducedAt: reducedAt.getTime(), chainDigest };
  return {
    ...{ kind: "rows", after, through: isAll ? Math.max(last, applied) : last, rows },
    ...(reducedThrough === 0n ? {} : { base }),
  };
}
