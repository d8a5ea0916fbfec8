import { join } from "node:path";
import { type MasterStore, migrateDeploy, migrationsDirectory, openMasterStore } from "@redoubt/database";
import pino from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type RunningPostgres, startPostgres } from "../adapters/postgres/index.ts";
import { makeTestFolder, removeTestFolder } from "../adapters/postgres/test-folders.ts";
import {
  FIRST_AT,
  History,
  isRead,
  MS_PER_SLOT,
  RARE,
  requestOf,
  SLOT_OF_RARE,
} from "./decided-history.test-support.ts";
import { MasterMetadata } from "./master-metadata.ts";
import { batchOf, clustersAfter } from "./master-rows.ts";
import { objectHistory, requestHistory } from "./metadata-explorer.ts";
import { MetadataRetention } from "./metadata-retention.ts";
import { isReduced, reducePayload, unpackPayload } from "./reduced-slots.ts";
import { decisionsAfter, rowsAfter } from "./row-fetcher.ts";

const timeoutMs = 120_000;
const log = pino({ level: "silent" });
const SLOTS = 1_000;
/** The newest slot is decided at second 1 000: what is older than second 500 goes. */
const WINDOW_MS = 500 * MS_PER_SLOT;
/** Blocks of 64 slots, all of them older. */
const REDUCED_THROUGH = 447;
const NEVER_BUSY = () => false;

let folder: string;
let postgres: RunningPostgres;
const names = ["one", "two", "three", "four", "five", "six"];
const stores: MasterStore[] = [];
const closers: (() => Promise<void> | void)[] = [];
const opened: MasterMetadata[] = [];

beforeAll(async () => {
  folder = await makeTestFolder();
  postgres = await startPostgres({ dataDirectory: join(folder, "postgres"), port: 0, databases: names });
}, timeoutMs);

afterEach(() => {
  for (const metadata of opened.splice(0)) metadata.close();
});

afterAll(async () => {
  for (const close of closers) await close();
  await postgres.stop();
  await removeTestFolder(folder);
}, timeoutMs);

async function newStore(): Promise<MasterStore> {
  const name = names[stores.length];
  if (name === undefined) throw new Error("one more database is needed");
  await migrateDeploy(postgres.url(name), migrationsDirectory("master"));
  const { store, close } = openMasterStore(postgres.url(name));
  stores.push(store);
  closers.push(close);
  return store;
}

/** As a master writes it, in batches of its own size. */
async function fill(store: MasterStore, effects: ReturnType<History["next"]>, perBatch: number): Promise<void> {
  for (let index = 0; index < effects.length; index += perBatch) {
    const slots = effects.slice(index, index + perBatch);
    const known = new Map((await store.clusters()).map((row) => [row.cluster, row]));
    await store.applySlots(batchOf(slots, clustersAfter(slots, known), () => 0));
  }
}

function retentionOf(store: MasterStore, more: { now?: () => number; windowMs?: number; isBusy?: () => boolean } = {}) {
  const parts = { store: () => store, windowMs: WINDOW_MS, isBusy: NEVER_BUSY, log, ...more };
  return new MetadataRetention({ now: () => FIRST_AT + 10 * SLOTS * MS_PER_SLOT, ...parts });
}

/** Works until nothing is left; returns how many steps did something. */
async function work(retention: MetadataRetention, stepsMax = Number.POSITIVE_INFINITY): Promise<number> {
  let steps = 0;
  while (steps < stepsMax && (await retention.step()) < 5_000) steps += 1;
  return steps;
}

test("a reduced slot keeps every decision but reads, in less than a third of the bytes; a slot of reads goes", () => {
  const whole = batchOf(new History().next(SLOTS), [], () => 0).slots;
  let before = 0;
  let after = 0;
  for (const { slot, payload } of whole) {
    const reduced = reducePayload(payload);
    expect([slot, reduced === undefined]).toEqual([slot, isRead(Number(slot))]);
    if (!reduced) continue;
    expect(isReduced(payload)).toBe(false);
    expect(isReduced(reduced)).toBe(true);
    expect(unpackPayload(reduced)).toEqual({
      decisions: unpackPayload(payload).decisions,
      rows: { versions: [], dead: [] },
    });
    expect(reducePayload(reduced)).toBe(reduced);
    before += payload.length;
    after += reduced.length;
  }
  expect(after / before).toBeLessThan(1 / 3);
});

describe("a master's own database", { timeout: timeoutMs }, () => {
  test("gets smaller block by block, keeps newest versions, and says what is older than the window", async () => {
    const store = await newStore();
    await fill(store, new History().next(SLOTS), 100);
    const all = await store.slotsAfter(0n, 10_000);
    const followed = await decisionsAfter(store, 0);
    const retention = retentionOf(store);
    const steps: number[] = [];
    for (let last = -1; last !== retention.counters().reducedThrough; ) {
      last = retention.counters().reducedThrough ?? 0;
      const { reducedRows = 0, removedRows = 0 } = retention.counters();
      await retention.step();
      const now = retention.counters();
      steps.push((now.reducedRows ?? 0) + (now.removedRows ?? 0) - reducedRows - removedRows);
    }
    expect(steps.filter((rows) => rows > 0)).toHaveLength(7);
    expect(Math.max(...steps)).toBeLessThanOrEqual(64);
    expect(retention.counters()).toMatchObject({ reducedThrough: REDUCED_THROUGH, retentionMs: WINDOW_MS });

    const rows = await store.slotsAfter(0n, 10_000);
    expect(rows.filter(({ slot }) => slot > REDUCED_THROUGH)).toEqual(all.filter(({ slot }) => slot > REDUCED_THROUGH));
    const old = rows.filter(({ slot }) => slot <= REDUCED_THROUGH);
    expect(old.filter((row) => !isReduced(row.payload)).map(({ slot }) => Number(slot))).toEqual([SLOT_OF_RARE]);
    expect(old.some(({ slot }) => isRead(Number(slot)))).toBe(false);
    const before = (slot: number) => followed?.slots.find((each) => each.slot === slot)?.decisions;
    const still = (await decisionsAfter(store, 0))?.slots.filter(({ slot }) => slot <= REDUCED_THROUGH) ?? [];
    expect(still).toHaveLength(old.length);
    for (const { slot, decisions } of still) expect([slot, decisions]).toEqual([slot, before(slot)]);

    const rare = await objectHistory(store, { kind: "object", object: RARE });
    expect(rare).toMatchObject({ isCut: false, versions: [{ number: 1, slot: SLOT_OF_RARE }] });
    const cut = await objectHistory(store, { kind: "object", object: "account/1" });
    expect(cut.isCut).toBe(true);
    expect(cut.versions.every(({ slot }) => slot > REDUCED_THROUGH)).toBe(true);
    expect(await requestHistory(store, requestOf(32))).toEqual([]);
    expect(await requestHistory(store, requestOf(SLOTS - 1))).toHaveLength(1);
  });

  test("is reduced further by a new process where the one before it ended", async () => {
    const store = await newStore();
    await fill(store, new History().next(SLOTS), 100);
    expect(await work(retentionOf(store), 3)).toBe(3);
    expect((await store.retention()).reducedThrough).toBe(191n);
    const next = retentionOf(store);
    await work(next);
    expect(next.counters().reducedThrough).toBe(REDUCED_THROUGH);
    const again = retentionOf(store);
    await work(again);
    expect(again.counters()).toMatchObject({ reducedThrough: REDUCED_THROUGH, reducedRows: 0, removedRows: 0 });
  });

  test("stays whole without a window, while rows wait to be written, and while the master's own clock is behind", async () => {
    const store = stores[1] as MasterStore;
    const through = (await store.retention()).reducedThrough;
    await fill(store, history(SLOTS + 500).slice(history(SLOTS).length), 100);
    await work(retentionOf(store, { windowMs: 0 }));
    const paused = retentionOf(store, { isBusy: () => true });
    expect(await paused.step()).toBe(250);
    await work(retentionOf(store, { now: () => FIRST_AT + 900 * MS_PER_SLOT }));
    expect((await store.retention()).reducedThrough).toBe(through);
    await work(retentionOf(store, { now: () => FIRST_AT + 1_100 * MS_PER_SLOT }));
    expect((await store.retention()).reducedThrough).toBe(575n);
    await work(retentionOf(store));
    expect((await store.retention()).reducedThrough).toBe(959n);
  });
});

/** The first slots of the history that every test has. */
const history = (slots: number) => new History().next(slots);

describe("masters that reduced different amounts at different moments", { timeout: timeoutMs }, () => {
  test("hold equal rows from where all keep everything, and so does one that got all of its rows from them", async () => {
    const [one, two, learner] = [await newStore(), await newStore(), await newStore()];
    const effects = history(SLOTS);
    await fill(one, effects.slice(0, 700), 64);
    await work(retentionOf(one), 2);
    await fill(one, effects.slice(700), 500);
    await fill(two, effects, 33);
    await work(retentionOf(two, { windowMs: 300 * MS_PER_SLOT }));
    expect((await two.retention()).reducedThrough).toBe(639n);

    // Its source reduces further meanwhile, and every third question is answered by the other one, who keeps more.
    const source = retentionOf(one);
    let asked = 0;
    const metadata: MasterMetadata = new MasterMetadata({
      ...{ store: () => learner, clusterOf: () => 0, log, onFailure: () => undefined, onApplied: () => undefined },
      ...{ rowsAfter: () => effects.at(-1)?.slot ?? 0, peers: ["state-master-1"] },
      askForRows: (peer, after) => {
        asked += 1;
        const from = asked % 3 === 2 ? two : one;
        void rowsAfter(from, after)
          .then(async (message) => {
            await work(source, 1);
            // Short answers, so that the learner is in the middle of reduced rows more than once.
            const rows = message?.rows.slice(0, 90) ?? [];
            return message && { ...message, rows, through: rows.at(-1)?.slot ?? message.through };
          })
          .then((message) => message && metadata.rows(peer, message));
      },
    });
    opened.push(metadata);
    await vi.waitFor(() => expect(metadata.appliedSlot).toBe(effects.at(-1)?.slot), 60_000);
    expect(asked).toBeGreaterThan(6);

    const own = await Promise.all([one, two, learner].map((store) => store.digest()));
    const from = Math.max(...own.map(({ comparedAfter }) => Number(comparedAfter)));
    expect(from).toBe(639);
    const [ofOne, ofTwo, ofLearner] = await Promise.all([one, two, learner].map((store) => store.digest(BigInt(from))));
    expect(ofOne).toEqual(ofTwo);
    expect(ofLearner).toEqual(ofTwo);
    expect(ofTwo?.rows).toMatchObject({ ObjectHead: 8, ObjectCluster: 1_024 });
    expect(ofTwo?.rows.DecidedSlot).toBeGreaterThan(300);
  });
});
