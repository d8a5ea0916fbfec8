import pg from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { batch, digest, slotRow } from "../testing/master-batches.test-support.ts";
import { provideMasterStores } from "../testing/master-stores.test-support.ts";
import type { MasterStore } from "./master-store.ts";
import { requestPrefix } from "./rows.ts";

const newStore = provideMasterStores();

describe("applying decided slots", () => {
  test("two masters fed the same slots in different batches hold equal metadata", async () => {
    const { store: one } = await newStore();
    const { store: other } = await newStore();
    await one.applySlots(batch(1n, 100n));
    for (let from = 1n; from <= 100n; from += 9n)
      await other.applySlots(batch(from, from + 8n > 100n ? 100n : from + 8n));
    const digestOfOne = await one.digest();
    expect(await other.digest()).toEqual(digestOfOne);
    expect(digestOfOne.appliedSlot).toBe(100n);
    expect(digestOfOne.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await other.counts()).toEqual(await one.counts());
  });

  test("a batch that is applied again, or overlaps, changes nothing that was applied", async () => {
    const { store } = await newStore();
    expect(await store.appliedSlot()).toBe(0n);
    expect(await store.applySlots(batch(1n, 20n))).toBe(20n);
    const before = await store.digest();
    expect(await store.applySlots(batch(1n, 20n))).toBe(20n);
    expect(await store.applySlots(batch(5n, 12n))).toBe(20n);
    expect(await store.digest()).toEqual(before);

    const { store: straight } = await newStore();
    await straight.applySlots(batch(1n, 30n));
    expect(await store.applySlots(batch(10n, 30n))).toBe(30n);
    expect(await store.digest()).toEqual(await straight.digest());
  });

  test("batches applied at the same time by a confused caller apply every slot once", async () => {
    const { store } = await newStore();
    await store.applySlots(batch(1n, 5n));
    await Promise.all([store.applySlots(batch(6n, 15n)), store.applySlots(batch(6n, 15n))]);
    const { store: straight } = await newStore();
    await straight.applySlots(batch(1n, 15n));
    expect(await store.digest()).toEqual(await straight.digest());
  });

  test("a change of one bit in one row changes the digest and names the table", async () => {
    const { store, url } = await newStore();
    await store.applySlots(batch(1n, 30n));
    const before = await store.digest();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(
      `UPDATE "ObjectHead" SET "c1" = set_bit("c1", 3, 1 - get_bit("c1", 3)) WHERE "object" = 'account/2'`,
    );
    await client.end();
    const after = await store.digest();
    expect(after.digest).not.toBe(before.digest);
    const differing = Object.keys(before.tables).filter((table) => before.tables[table] !== after.tables[table]);
    expect(differing).toEqual(["ObjectHead"]);
  });

  test("slots out of order, beyond the batch, or naming an object without head are a bug of the caller", async () => {
    const { store } = await newStore();
    const good = batch(1n, 3n);
    await expect(store.applySlots({ ...good, slots: [...good.slots].reverse() })).rejects.toThrow(/ascend/);
    await expect(store.applySlots({ ...good, throughSlot: 2n })).rejects.toThrow(/beyond the batch/);
    await expect(store.applySlots({ ...good, heads: good.heads.slice(1) })).rejects.toThrow(/no head/);
    expect(await store.appliedSlot()).toBe(0n);
  });
});

describe("finding again", () => {
  test("the history of an object leads through every slot that names it, newest first, in pages", async () => {
    const { store } = await newStore();
    for (let from = 1n; from <= 60n; from += 10n) await store.applySlots(batch(from, from + 9n));
    const expected: bigint[] = [];
    for (let slot = 60n; slot >= 1n; slot--) {
      if (slot % 7n !== 0n && slotRow(slot).objects.includes("account/1")) expected.push(slot);
    }
    const whole = await store.objectHistory("account/1", 1000);
    expect(whole.map(({ slot }) => slot)).toEqual(expected);
    expect(whole.at(-1)?.previousSlot).toBeNull();
    expect(new TextDecoder().decode(whole[0]?.payload)).toBe(`decisions of slot ${expected[0]}`);

    const firstPage = await store.objectHistory("account/1", 4);
    const secondPage = await store.objectHistory("account/1", 4, firstPage.at(-1)?.previousSlot ?? undefined);
    expect([...firstPage, ...secondPage].map(({ slot }) => slot)).toEqual(expected.slice(0, 8));
    expect(await store.objectHistory("account/none", 10)).toEqual([]);
  });

  test("a request is found by its prefix, and an unknown one is not", async () => {
    const { store } = await newStore();
    await store.applySlots(batch(1n, 40n));
    const found = await store.requestOutcome(requestPrefix(digest("request 23")));
    expect(found.map(({ slot }) => slot)).toEqual([23n]);
    expect(found[0]?.kinds).toEqual(["verified"]);
    expect(await store.requestOutcome(requestPrefix(digest("never sent")))).toEqual([]);
  });

  test("rows come back as they were handed over", async () => {
    const { store } = await newStore();
    const applied = batch(1n, 9n);
    await store.applySlots(applied);
    const head = applied.heads.find(({ object }) => object === "account/4");
    expect(await store.head("account/4")).toEqual(head);
    expect((await store.heads("account/", 2)).map(({ object }) => object)).toEqual(["account/0", "account/1"]);
    expect((await store.heads("account/", 9, "account/2")).map(({ object }) => object)).toEqual([
      "account/3",
      "account/4",
    ]);
    expect(await store.clusters()).toEqual(applied.clusters);
    expect(await store.leases()).toEqual(applied.leases);
    expect((await store.slotsAfter(5n, 2)).map(({ slot }) => slot)).toEqual([6n, 8n]);
    expect((await store.slotsAfter(5n, 1))[0]?.at).toEqual(slotRow(6n).at);
  });
});

describe("the state explorer's searches", () => {
  const slotsOf = (found: readonly { readonly slot: bigint }[]) => found.map(({ slot }) => slot);
  const time = (slot: bigint) => slotRow(slot).at;
  const all = Array.from({ length: 300 }, (_, index) => 300n - BigInt(index)).filter((slot) => slot % 7n !== 0n);
  let store: MasterStore;
  beforeAll(async () => {
    ({ store } = await newStore());
    const applied = batch(1n, 300n);
    // A slot that verified only reads changes no object and is no answer to a search for versions.
    const reads = { ...slotRow(301n), executionServers: [], objects: [] };
    await store.applySlots({ ...applied, throughSlot: 301n, slots: [...applied.slots, reads] });
  });

  test("by time give the newest first, within both ends, and go on where a page ended", async () => {
    expect(slotsOf(await store.searchSlots({ limit: 1000 }))).toEqual(all);
    const window = { from: time(100n), to: time(120n) };
    const inWindow = all.filter((slot) => slot >= 100n && slot <= 120n);
    expect(slotsOf(await store.searchSlots({ ...window, limit: 1000 }))).toEqual(inWindow);
    const first = await store.searchSlots({ ...window, limit: 5 });
    const last = first.at(-1) as { slot: bigint; at: Date };
    expect(slotsOf(await store.searchSlots({ ...window, before: last, limit: 1000 }))).toEqual(inWindow.slice(5));
  });

  test("by execution server give its slots only, also within a time, and go on where a page ended", async () => {
    const server = "execution-server-2";
    const own = all.filter((slot) => slot % 90n >= 80n);
    expect(slotsOf(await store.searchSlots({ server, limit: 1000 }))).toEqual(own);
    const first = await store.searchSlots({ server, limit: 10 });
    const last = first.at(-1) as { slot: bigint; at: Date };
    expect(slotsOf(await store.searchSlots({ server, before: last, limit: 1000 }))).toEqual(own.slice(10));
    const within = await store.searchSlots({ server, from: time(50n), to: time(175n), limit: 1000 });
    expect(slotsOf(within)).toEqual(own.filter((slot) => slot >= 50n && slot <= 175n));
    expect(await store.searchSlots({ server: "execution-server-9", limit: 10 })).toEqual([]);
    expect(await store.searchSlots({ server, to: new Date(0), limit: 10 })).toEqual([]);
  });

  test("of objects give heads by name with their times; signs of patterns in a name are only signs", async () => {
    const heads = await store.timedHeads("account/", 3);
    expect(heads.map(({ object }) => object)).toEqual(["account/0", "account/1", "account/2"]);
    expect(heads.map(({ slot, at }) => at?.getTime() === time(slot).getTime())).toEqual([true, true, true]);
    const next = await store.timedHeads("account/", 3, "account/2");
    expect(next.map(({ object }) => object)).toEqual(["account/3", "account/4"]);
    expect(await store.timedHeads("account_", 3)).toEqual([]);
    expect(await store.timedHeads("%", 3)).toEqual([]);
  });
});
