import type { HistoryStep, SlotSearch, StoredSlot } from "@redoubt/database";
import type { VersionRow } from "@redoubt/protocol";
import type { Digest, RequestId, VersionCursor } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { packGeneral } from "../runtime/record-codec.ts";
import { findVersions, OpeningTimes, objectHistory } from "./metadata-explorer.ts";

const digest = (letter: string): Digest => letter.repeat(64) as Digest;

const version = (object: string, number: number, executionServer: string): VersionRow => ({
  ...{ object, number, epoch: 1, parent: { number: number - 1, epoch: 1, c1: digest("0") } },
  ...{ c1: digest("a"), c2: digest("b"), requestId: "1".repeat(64) as RequestId, attempt: 1 },
  ...{ changeDigest: digest("c"), executionServer, testers: [], previousSlot: 0 },
});

/** Slot s verified versions 3 s − 2 to 3 s of one object, in order, the middle one by another execution server. */
const SLOTS = 70;
const slots: HistoryStep[] = Array.from({ length: SLOTS }, (_, index) => {
  const slot = index + 1;
  const versions = [2, 1, 0].map((below) =>
    version("account/1", 3 * slot - below, `execution-server-${1 + (below % 2)}`),
  );
  return {
    slot: BigInt(slot),
    at: new Date(slot * 1_000),
    kinds: ["verified"],
    payload: packGeneral({ decisions: [], rows: { versions, dead: [] } }),
    previousSlot: slot === 1 ? null : BigInt(slot - 1),
  };
});
const newestFirst = slots.toReversed();

const store = {
  async searchSlots({ before, limit, from, to }: SlotSearch): Promise<StoredSlot[]> {
    return newestFirst
      .filter(({ slot, at }) => before === undefined || at < before.at || (at <= before.at && slot < before.slot))
      .filter(({ at }) => at >= (from ?? at) && at <= (to ?? at))
      .slice(0, limit);
  },
  async objectHistory(_object: string, limit: number, fromSlot = BigInt(SLOTS)): Promise<HistoryStep[]> {
    return newestFirst.filter(({ slot }) => slot <= fromSlot).slice(0, limit);
  },
};

const numbersFrom = (first: number, last: number, step = 1) =>
  Array.from({ length: Math.floor((first - last) / step) + 1 }, (_, index) => first - index * step);

describe("pages of a search, also when they end within a slot,", () => {
  test.each([1, 2, 3, 4, 100, 500])("of %i give every version once, newest first", async (limit) => {
    const found: number[] = [];
    let before: VersionCursor | undefined;
    for (;;) {
      const page = await findVersions(store, { limit, ...(before ? { before } : {}) });
      expect(page.versions.length).toBeLessThanOrEqual(limit);
      found.push(...page.versions.map(({ number }) => number));
      if (page.next === null) break;
      before = page.next;
    }
    expect(found).toEqual(numbersFrom(3 * SLOTS, 1));
  });

  test("hold only versions of the execution server that is asked for", async () => {
    const { versions, next } = await findVersions(store, { server: "execution-server-2", limit: 500 });
    expect(versions.map(({ number }) => number)).toEqual(numbersFrom(3 * SLOTS - 1, 2, 3));
    expect(versions[0]).toMatchObject({ slot: SLOTS, at: SLOTS * 1_000 });
    expect(next).toBeNull();
  });

  test("never hold more than the limit of one answer, however many are asked for", async () => {
    const page = await findVersions(store, { limit: 1_000_000 });
    expect(page.versions.length).toBeLessThanOrEqual(500);
  });
});

describe("pages of an object's history, also when they end within a slot,", () => {
  test.each([1, 2, 50, 199])("of %i give every version once, newest first", async (limit) => {
    const found: number[] = [];
    let before: { slot: number; number: number } | undefined;
    for (;;) {
      const { versions: page, isCut } = await objectHistory(store, {
        kind: "object",
        object: "account/1",
        limit,
        ...(before ? { before } : {}),
      });
      expect(isCut).toBe(false);
      found.push(...page.map(({ number }) => number));
      const last = page.at(-1);
      if (!last || last.number === 1) break;
      before = { slot: last.slot, number: last.number };
    }
    expect(found).toEqual(numbersFrom(3 * SLOTS, 1));
  });
});

describe("where a master keeps everything from one slot on only,", () => {
  const CUT = 40;
  const cutAt = (after: number) => ({
    objectHistory: async (object: string, limit: number, fromSlot?: bigint) =>
      (await store.objectHistory(object, limit, fromSlot)).filter(({ slot }) => slot > after),
  });
  const shortened = cutAt(CUT);
  const about = { kind: "object", object: "account/1" } as const;

  test("a history ends there and says that it is cut, on the last page and on the one behind it", async () => {
    const first = await objectHistory(shortened, { ...about, limit: 50 });
    expect(first).toMatchObject({ isCut: false });
    expect(first.versions).toHaveLength(50);
    const { slot, number } = first.versions.at(-1) ?? { slot: 0, number: 0 };
    const second = await objectHistory(shortened, { ...about, limit: 50, before: { slot, number } });
    expect(second.versions.map((entry) => entry.number)).toEqual(numbersFrom(number - 1, 3 * CUT + 1));
    expect(second.isCut).toBe(true);
    const behind = { slot: CUT, number: 3 * CUT + 1 };
    expect(await objectHistory(shortened, { ...about, limit: 50, before: behind })).toEqual({
      versions: [],
      isCut: true,
    });
  });

  test.each([1, 3, 4, 5, 30, 69])(
    "a history of which %i slots are kept says so, unless the page is full",
    async (kept) => {
      const { versions, isCut } = await objectHistory(cutAt(SLOTS - kept), { ...about, limit: 200 });
      expect([versions.length, isCut]).toEqual([Math.min(3 * kept, 200), kept < 67]);
      expect(await objectHistory(cutAt(0), { ...about, object: "account/none" })).toMatchObject({ isCut: false });
    },
  );

  test("a search does not go back further, and asks only for what may be there", async () => {
    const asked: SlotSearch[] = [];
    const remembering = {
      searchSlots: async (search: SlotSearch) => {
        asked.push(search);
        return store.searchSlots(search);
      },
    };
    const at = 100_000;
    await findVersions(remembering, { limit: 5 }, { after: CUT, at });
    expect(asked[0]).toMatchObject({ after: BigInt(CUT), from: new Date(at - 60_000) });
    await findVersions(remembering, { limit: 5, from: at }, { after: CUT, at });
    expect(asked.at(-1)?.from).toEqual(new Date(at));
  });
});

test("the time of an epoch's opening is its slot's, looked up once, and unknown without a database", async () => {
  const asked: bigint[] = [];
  const remembering = {
    async slotsAfter(after: bigint): Promise<StoredSlot[]> {
      asked.push(after);
      return slots.filter(({ slot }) => slot > after).slice(0, 1);
    },
  };
  const times = new OpeningTimes();
  expect(await times.addTo(undefined, [{ epoch: 7 }])).toEqual([{ epoch: 7, openedAt: null }]);
  for (const _ of [1, 2])
    expect(await times.addTo(remembering, [{ epoch: 7 }])).toEqual([{ epoch: 7, openedAt: 7_000 }]);
  expect(await times.addTo(remembering, [{ epoch: 0 }, { epoch: 9_999 }])).toMatchObject([
    { openedAt: null },
    { openedAt: null },
  ]);
  expect(asked).toEqual([6n, 9_998n]);
});
