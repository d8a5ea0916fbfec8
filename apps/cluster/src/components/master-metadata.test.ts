import type { AppliedBatch, MasterStore, ObjectClusterRow, RetentionRow, StoredSlot } from "@redoubt/database";
import type { ApplyEffect } from "@redoubt/protocol";
import type { RowsMessage } from "@redoubt/shared";
import pino from "pino";
import { afterEach, describe, expect, test, vi } from "vitest";
import { JournalCutter } from "./journal-cutter.ts";
import { MasterMetadata } from "./master-metadata.ts";
import { batchOf } from "./master-rows.ts";
import { rowsAfter } from "./row-fetcher.ts";

const log = pino({ level: "silent" });

/** A database in memory that keeps the store's promises: in order, and only where the caller believes it to be. */
class FakeStore {
  slots: StoredSlot[] = [];
  isDown = false;

  #check(): void {
    if (this.isDown) throw new Error("connection refused");
  }

  get applied(): bigint {
    return this.slots.at(-1)?.slot ?? 0n;
  }

  async appliedSlot(): Promise<bigint> {
    this.#check();
    return this.applied;
  }

  async clusters(): Promise<ObjectClusterRow[]> {
    this.#check();
    return [];
  }

  async slotsAfter(slot: bigint, limit: number): Promise<StoredSlot[]> {
    this.#check();
    return this.slots.filter((each) => each.slot > slot).slice(0, limit);
  }

  async retention(): Promise<RetentionRow> {
    return { reducedThrough: 0n, reducedAt: new Date(0), chainDigest: new Uint8Array(32) };
  }

  async applySlots({ slots, afterSlot }: AppliedBatch): Promise<bigint> {
    this.#check();
    if (afterSlot !== this.applied) throw new Error(`at ${this.applied}, expected ${afterSlot}`);
    this.slots.push(...slots.map(({ slot, at, kinds, payload }) => ({ slot, at, kinds, payload })));
    return this.applied;
  }
}

/** Every third slot decided something. */
const row = (number: number): ApplyEffect => ({
  ...{ kind: "apply", slot: number * 3, previous: (number - 1) * 3, at: 1_700_000_000_000 + number },
  decisions: [{ kind: "closed", requestId: number.toString(16).padStart(64, "0") as never, home: 1 }],
  rows: { versions: [], dead: [] },
});
const rows = (from: number, to: number): ApplyEffect[] =>
  Array.from({ length: to - from + 1 }, (_, index) => row(from + index));

const opened: MasterMetadata[] = [];
afterEach(() => {
  for (const metadata of opened.splice(0)) metadata.close();
});

/** A master's metadata beside a peer whose database holds slots of rows 1 … `peerRows`. */
async function begin(peerRows: number) {
  const store = new FakeStore();
  const peer = new FakeStore();
  if (peerRows > 0) await peer.applySlots({ ...batchOf(rows(1, peerRows), [], () => 0), afterSlot: 0n });
  const state = { rowsAfter: 0 };
  const told: (number | undefined)[] = [];
  const metadata: MasterMetadata = new MasterMetadata({
    store: () => store as unknown as MasterStore,
    clusterOf: () => 0,
    log,
    onFailure: () => undefined,
    onApplied: (slot) => told.push(slot),
    rowsAfter: () => state.rowsAfter,
    peers: ["state-master-2", "state-master-3"],
    askForRows: (server, after) => {
      // The first peer has nothing to give.
      const answer: Promise<RowsMessage | undefined> =
        server === "state-master-2"
          ? Promise.resolve({ kind: "rows", after, through: after, rows: [] })
          : rowsAfter(peer as unknown as MasterStore, after);
      void answer.then((message) => message && metadata.rows(server, message));
    },
  });
  opened.push(metadata);
  const slots = () => store.slots.map(({ slot }) => Number(slot) / 3);
  return { store, peer, state, told, metadata, slots };
}

const numbers = (to: number) => Array.from({ length: to }, (_, index) => index + 1);

describe("a master's database", () => {
  test("takes rows in as they come and tells how far it is", async () => {
    const { metadata, slots, told } = await begin(0);
    for (const each of rows(1, 40)) metadata.apply(each);
    await vi.waitFor(() => expect(slots().length).toBe(40), 5_000);
    expect(slots()).toEqual(numbers(40));
    await vi.waitFor(() => expect(told.at(-1)).toBe(120));
    expect(metadata.backlog).toBe(0);
  });

  test("that lacks rows gets them from a peer, byte for byte, before anything newer is written", async () => {
    const { metadata, slots, store, peer, state } = await begin(600);
    state.rowsAfter = 580 * 3;
    for (const each of rows(581, 620)) metadata.apply(each);
    await vi.waitFor(() => expect(slots().length).toBe(620), 5_000);
    expect(slots()).toEqual(numbers(620));
    const bytes = ({ slots: all }: FakeStore) =>
      all.slice(0, 600).map(({ payload }) => Buffer.from(payload).toString("hex"));
    expect(bytes(store).join(" ") === bytes(peer).join(" ")).toBe(true);
    expect(metadata.copied.rows).toBeGreaterThanOrEqual(580);
    expect(metadata.copied.bytes).toBeGreaterThan(0);
  });

  test("of a state that came as a snapshot is filled although no row of its own follows", async () => {
    const { slots, state } = await begin(20);
    state.rowsAfter = 60;
    await vi.waitFor(() => expect(slots().length).toBe(20), 5_000);
    expect(slots()).toEqual(numbers(20));
  });

  test("that comes back as an old backup of itself is noticed and caught up", async () => {
    const { metadata, slots, store, told } = await begin(50);
    for (const each of rows(1, 30)) metadata.apply(each);
    await vi.waitFor(() => expect(slots().length).toBe(30), 5_000);
    expect(slots()).toEqual(numbers(30));
    store.slots = store.slots.slice(0, 7);
    for (const each of rows(31, 40)) metadata.apply(each);
    await vi.waitFor(() => expect(slots().length).toBeGreaterThanOrEqual(40), 5_000);
    expect(slots()).toEqual(numbers(slots().length));
    expect(told).toContain(undefined);
    expect(told).toContain(21);
  });

  test("that is away makes rows wait and is asked again where it is when it is back", async () => {
    const { metadata, slots, store, told } = await begin(0);
    store.isDown = true;
    for (const each of rows(1, 5)) metadata.apply(each);
    await vi.waitFor(() => expect(told).toContain(undefined));
    expect(metadata.backlog).toBe(5);
    store.isDown = false;
    await vi.waitFor(() => expect(slots().length).toBe(5), 5_000);
    expect(slots()).toEqual(numbers(5));
  });
});

test("the journal is cut only below what votes need and what the older of two checkpoints covers", () => {
  const cuts: number[] = [];
  const cutter = new JournalCutter({ cutBefore: async (number) => void cuts.push(number) }, log);
  cutter.allow(500);
  cutter.saved(300);
  expect(cuts).toEqual([]);
  cutter.saved(900);
  cutter.saved(1200);
  expect(cuts).toEqual([300, 500]);
  cutter.allow(1000);
  expect(cuts.at(-1)).toBe(900);
});
