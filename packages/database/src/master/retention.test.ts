import { describe, expect, test } from "vitest";
import { batch, digest, slotRow } from "../testing/master-batches.test-support.ts";
import { provideMasterStores } from "../testing/master-stores.test-support.ts";
import type { MasterStore } from "./master-store.ts";
import { type AppliedBatch, type Reduce, requestPrefix, type StoredSlot, type SweepPlace } from "./rows.ts";

const newStore = provideMasterStores();

/** A made-up object that only slot 10 and slot `LATER` name: its newest version is old for long. */
const RARE = "account/rare";
const SLOT_OF_RARE = 10n;
const LATER = 699n;

function withRare(from: bigint, to: bigint, slot: bigint): AppliedBatch {
  const plain = batch(from, to);
  const [some] = plain.heads;
  if (!some) throw new Error("a batch has heads");
  return {
    ...plain,
    slots: plain.slots.map((row) => (row.slot === slot ? { ...row, objects: [...row.objects, RARE] } : row)),
    heads: [...plain.heads, { ...some, object: RARE, slot, number: slot }],
  };
}

/** Slots 1 … 600, a millisecond apart. */
async function fill(store: MasterStore): Promise<void> {
  await store.applySlots(withRare(1n, 300n, SLOT_OF_RARE));
  await store.applySlots(batch(301n, 600n));
}

const isReduced = ({ payload }: Pick<StoredSlot, "payload">): boolean => payload[0] === 0;
/** Every tenth slot holds nothing that anybody needs. */
const reduce: Reduce = ({ slot, payload }) =>
  slot % 10n === 5n ? undefined : new Uint8Array([0, ...payload.slice(0, 4)]);
const timeOf = (slot: bigint): Date => slotRow(slot).at;

async function reduceAll(store: MasterStore, before: Date): Promise<number> {
  let steps = 0;
  while (await store.reduceOldest(before, reduce)) steps += 1;
  return steps;
}

const slotsOf = async (store: MasterStore): Promise<StoredSlot[]> => store.slotsAfter(0n, 10_000);

describe("rows beyond the window", () => {
  test("are reduced or removed a block of 64 slots at a time, oldest first; the others stay as they were", async () => {
    const { store } = await newStore();
    await fill(store);
    const before = await slotsOf(store);
    expect(await store.retention()).toMatchObject({ reducedThrough: 0n });

    const first = await store.reduceOldest(timeOf(400n), reduce);
    expect(first).toMatchObject({ reducedThrough: 63n, reducedAt: timeOf(62n) });
    // Of the 54 slots with a row, one holds a newest version; 5, 15, 25, 45, 55 go; 35 is a seventh slot and has none.
    expect(first).toMatchObject({ removed: 5, reduced: 48 });
    expect(await reduceAll(store, timeOf(400n))).toBe(5);
    expect((await store.retention()).reducedThrough).toBe(383n);

    const after = await slotsOf(store);
    expect(after.filter(({ slot }) => slot > 383n)).toEqual(before.filter(({ slot }) => slot > 383n));
    const old = after.filter(({ slot }) => slot <= 383n);
    expect(old.some(({ slot }) => slot % 10n === 5n)).toBe(false);
    expect(old.filter((row) => !isReduced(row)).map(({ slot }) => slot)).toEqual([SLOT_OF_RARE]);
    expect(await store.requestOutcome(requestPrefix(digest("request 23")))).toEqual([]);
    expect(await store.requestOutcome(requestPrefix(digest("request 400")))).toHaveLength(1);
  });

  test("wait until the whole block is old, and for the applied slot to lie beyond it", async () => {
    const { store } = await newStore();
    await store.applySlots(batch(1n, 64n));
    expect(await store.reduceOldest(timeOf(63n), reduce)).toMatchObject({ reducedThrough: 63n });
    expect(await store.reduceOldest(timeOf(1_000n), reduce)).toBeUndefined();
    await store.applySlots(batch(65n, 127n));
    expect(await store.reduceOldest(timeOf(1_000n), reduce)).toBeUndefined();
    await store.applySlots(batch(128n, 128n));
    expect(await store.reduceOldest(timeOf(100n), reduce)).toBeUndefined();
    expect(await store.reduceOldest(timeOf(1_000n), reduce)).toMatchObject({ reducedThrough: 127n });
    expect((await store.newestTime())?.getTime()).toBe(timeOf(128n).getTime());
  });

  test("leave every object's newest version, and a history that says where it ends", async () => {
    const { store } = await newStore();
    await fill(store);
    const heads = await store.heads("", 100);
    await reduceAll(store, timeOf(400n));
    expect(await store.heads("", 100)).toEqual(heads);
    expect(await store.objectHistory(RARE, 10)).toMatchObject([{ slot: SLOT_OF_RARE, previousSlot: null }]);
    const history = await store.objectHistory("account/1", 1_000);
    expect(history.every((step) => step.slot > 383n && !isReduced(step))).toBe(true);
    const last = history.at(-1);
    expect(last?.previousSlot).toBeLessThanOrEqual(383n);
    expect(await store.objectHistory("account/1", 10, last?.previousSlot ?? undefined)).toEqual([]);
    const search = { limit: 1_000, after: 383n };
    expect((await store.searchSlots(search)).every(({ slot }) => slot > 383n)).toBe(true);
    const byServer = await store.searchSlots({ ...search, server: "execution-server-1" });
    expect(byServer.length).toBeGreaterThan(50);
    expect(byServer.every(({ slot }) => slot > 383n)).toBe(true);
  });

  test("that held a newest version are reduced by the walk once there is a newer one", async () => {
    const { store } = await newStore();
    await fill(store);
    await reduceAll(store, timeOf(400n));
    const walk = async () => {
      const done = { reduced: 0, removed: 0, steps: 0 };
      let place: SweepPlace | undefined;
      do {
        const step = await store.reduceSuperseded(reduce, place);
        done.reduced += step.reduced;
        done.removed += step.removed;
        done.steps += 1;
        place = step.next;
      } while (place);
      return done;
    };
    expect(await walk()).toEqual({ reduced: 0, removed: 0, steps: 1 });
    await store.applySlots(withRare(601n, LATER + 1n, LATER));
    expect(await walk()).toEqual({ reduced: 1, removed: 0, steps: 1 });
    expect((await slotsOf(store)).filter((row) => row.slot <= 383n && !isReduced(row))).toEqual([]);
    expect(await store.objectHistory(RARE, 10)).toMatchObject([{ slot: LATER, previousSlot: SLOT_OF_RARE }]);
  });
});

describe("two masters", () => {
  test("that reduced different amounts, at different moments, compare equal from where both keep everything", async () => {
    const { store: one } = await newStore();
    const { store: other } = await newStore();
    const { store: whole } = await newStore();
    await fill(whole);
    await one.applySlots(withRare(1n, 300n, SLOT_OF_RARE));
    await reduceAll(one, timeOf(150n));
    await one.applySlots(batch(301n, 600n));
    await fill(other);
    await reduceAll(other, timeOf(400n));

    const [ofOne, ofOther] = [await one.digest(), await other.digest()];
    expect([ofOne.comparedAfter, ofOther.comparedAfter]).toEqual([127n, 383n]);
    expect(ofOne.tables.AppliedState).toBe(ofOther.tables.AppliedState);
    expect(ofOne.digest).not.toBe(ofOther.digest);
    expect(await one.digest(383n)).toEqual(ofOther);
    expect(await whole.digest(383n)).toEqual(ofOther);
    expect(await whole.digest(127n)).toEqual(ofOne);
  });

  test("compare unequal when a row that both keep differs, also an old one with a newest version", async () => {
    const [one, other] = [(await newStore()).store, (await newStore()).store];
    await fill(one);
    const forged = withRare(1n, 300n, SLOT_OF_RARE);
    await other.applySlots({
      ...forged,
      slots: forged.slots.map((row) => (row.slot === SLOT_OF_RARE ? { ...row, kinds: ["forged"] } : row)),
    });
    await other.applySlots(batch(301n, 600n));
    await reduceAll(one, timeOf(400n));
    await reduceAll(other, timeOf(400n));
    const [ofOne, ofOther] = [await one.digest(), await other.digest()];
    const differing = Object.keys(ofOne.tables).filter((table) => ofOne.tables[table] !== ofOther.tables[table]);
    expect(differing).toEqual(["DecidedSlot"]);
  });

  test("are equal when one got its rows from the other's reduced ones, in parts that end anywhere", async () => {
    const { store: source } = await newStore();
    await fill(source);
    await reduceAll(source, timeOf(400n));
    const base = await source.retention();
    const rowsOf = new Map(
      [...withRare(1n, 300n, SLOT_OF_RARE).slots, ...batch(301n, 600n).slots].map((row) => [row.slot, row]),
    );
    const previous = await previousSlotsOf(source);
    const { store: learner } = await newStore();
    for (let after = 0n; after < 600n; ) {
      const rows = await source.slotsAfter(after, 50);
      const through = rows.at(-1)?.slot ?? 600n;
      const slots = rows.map((row) => {
        const whole = rowsOf.get(row.slot);
        if (whole && !isReduced(row)) return { ...whole, previousSlots: previous.get(row.slot) ?? [] };
        const none = { requestPrefixes: [], executionServers: [], objects: [] };
        return { slot: row.slot, at: row.at, kinds: row.kinds, payload: row.payload, ...none };
      });
      await learner.applySlots({ ...headsOf(slots), base, throughSlot: through, slots, afterSlot: after });
      after = through;
    }
    expect(await learner.retention()).toEqual(base);
    await source.applySlots(batch(601n, 650n));
    await learner.applySlots(batch(601n, 650n));
    const ofSource = await source.digest();
    const ofLearner = await learner.digest();
    // Heads, clusters and leases are checked where rows are made from payloads: here the chain and the rows are.
    for (const table of ["AppliedState", "DecidedSlot"])
      expect([table, ofLearner.tables[table]]).toEqual([table, ofSource.tables[table]]);
    expect(ofLearner.rows.DecidedSlot).toBe(ofSource.rows.DecidedSlot);
  });
});

/** As the payloads of a master say it. */
async function previousSlotsOf(store: MasterStore): Promise<Map<bigint, bigint[]>> {
  const found = new Map<bigint, bigint[]>();
  const rows = [...withRare(1n, 300n, SLOT_OF_RARE).slots, ...batch(301n, 600n).slots];
  const newest = new Map<string, bigint>();
  for (const { slot, objects } of rows) {
    found.set(
      slot,
      objects.map((object) => newest.get(object) ?? 0n),
    );
    for (const object of objects) newest.set(object, slot);
  }
  expect((await store.head(RARE))?.slot).toBe(newest.get(RARE));
  return found;
}

function headsOf(slots: AppliedBatch["slots"]): Pick<AppliedBatch, "heads" | "clusters" | "leases"> {
  const [some] = batch(1n, 3n).heads;
  if (!some) throw new Error("a batch has heads");
  const newest = new Map(slots.flatMap(({ slot, objects }) => objects.map((object) => [object, slot] as const)));
  return { heads: [...newest].map(([object, slot]) => ({ ...some, object, slot })), clusters: [], leases: [] };
}
