import type { RequestHop } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { phaseTitles } from "./phases.ts";
import { formatMs, sumsOf, ticksOf, timelineOf } from "./timeline.ts";

const dispatched = (ms: number, attempt: number, server: string): RequestHop => ({
  ...{ kind: "dispatched", ms, attempt, server, epoch: 1, testers: [], members: [], alone: false },
});
const good: RequestHop[] = [
  { kind: "entered", state: "waiting", because: "admitted", ms: 0 },
  dispatched(0.5, 1, "execution-server-1"),
  { kind: "entered", state: "running", because: "dispatched", ms: 0.5 },
  { kind: "acknowledged", ms: 4, attempt: 1, server: "state-replica-2", change: "a", durable: true },
  {
    ...{ kind: "acknowledged", ms: 6, attempt: 1, server: "state-replica-1", change: "a", durable: true },
    verdict: { kind: "pass" },
  },
  { kind: "entered", state: "ended", because: "released", ms: 6 },
  { kind: "answered", status: 200, exchanges: 1, repeated: 0, because: "all-members", ms: 6 },
  { kind: "decided", decision: "verified", attempt: 1, ms: 18 },
  { kind: "repeated", ms: 90_000 },
  { kind: "answered", status: 200, exchanges: 1, repeated: 1, because: "logged", ms: 90_000 },
];

describe("phases", () => {
  test("follow each other without a gap from admission to the answer, whatever comes after it", () => {
    const { phases, answeredMs } = timelineOf(good, null);
    expect(phases).toEqual([
      { name: "waiting", fromMs: 0, toMs: 0.5 },
      { name: "executing", fromMs: 0.5, toMs: 4 },
      { name: "collecting", fromMs: 4, toMs: 6 },
    ]);
    expect(answeredMs).toBe(6);
    expect(sumsOf(phases).reduce((sum, { ms }) => sum + ms, 0)).toBe(6);
  });

  test("go on until now while the request is under way", () => {
    const { phases, answeredMs, endMs } = timelineOf(good.slice(0, 3), 800);
    expect(phases.at(-1)).toEqual({ name: "executing", fromMs: 0.5, toMs: 800 });
    expect([answeredMs, endMs]).toEqual([null, 800]);
  });

  test("a second attempt counts to the same sums, settlement and shadow runs to their own", () => {
    const { phases } = timelineOf(
      [
        ...good.slice(0, 3),
        {
          ...{ kind: "failed", attempt: 1, server: "execution-server-1", ms: 5 },
          ...{ detector: "crash", check: "crash", detail: "" },
        },
        { kind: "entered", state: "doomed", because: "failed", ms: 5 },
        { kind: "entered", state: "shadowing", because: "deadBlamed", ms: 30 },
        { kind: "entered", state: "waiting", because: "innocent", ms: 80 },
        dispatched(81, 3, "execution-server-2"),
        { kind: "entered", state: "running", because: "dispatched", ms: 81 },
        { kind: "entered", state: "ended", because: "released", ms: 90 },
        { kind: "answered", status: 200, exchanges: 1, repeated: 0, because: "all-members", ms: 90 },
      ],
      null,
    );
    expect(sumsOf(phases).map(({ name, ms, times }) => [name, ms, times])).toEqual([
      ["waiting", 1.5, 2],
      ["executing", 13.5, 2],
      ["settling", 25, 1],
      ["shadow runs", 50, 1],
    ]);
  });
});

describe("lanes", () => {
  test("client, regulator, execution servers, replicas, masters, in this order", () => {
    expect(timelineOf(good, null).lanes.map(({ name }) => name)).toEqual([
      "client",
      "traffic-regulator",
      "execution-server-1",
      "state-replica-1",
      "state-replica-2",
      "state masters",
    ]);
  });

  test("a later repetition does not stretch the picture", () => {
    expect(timelineOf(good, null).endMs).toBe(18);
  });

  test("marks tell verdicts apart from mere storing, and good from bad", () => {
    const { lanes } = timelineOf(good, null);
    const looks = Object.fromEntries(lanes.map(({ name, marks }) => [name, marks.map(({ look }) => look)]));
    expect(looks).toMatchObject({ "state-replica-1": ["good"], "state-replica-2": ["plain"], client: ["good"] });
  });

  test("an attempt that is lost ends in a bad span, one under way says so", () => {
    const lost = timelineOf([...good.slice(0, 3), { kind: "entered", state: "doomed", because: "lost", ms: 9 }], null);
    const span = lost.lanes.find(({ name }) => name === "execution-server-1")?.spans[0];
    expect(span).toMatchObject({ toMs: 9, isBad: true });
    const open = timelineOf(good.slice(0, 3), 50).lanes.find(({ name }) => name === "execution-server-1")?.spans[0];
    expect(open?.title).toContain("under way");
  });
});

test("an empty story is drawn without harm", () => {
  expect(timelineOf([], null)).toMatchObject({ phases: [], answeredMs: null });
});

test("ticks are round and few", () => {
  expect(ticksOf(18)).toEqual([0, 5, 10, 15]);
  expect(ticksOf(0.9)).toHaveLength(5);
  expect(ticksOf(3_120).length).toBeLessThanOrEqual(7);
});

test("every phase has words, and times read without counting digits", () => {
  expect(Object.values(phaseTitles).every((title) => title.length > 5)).toBe(true);
  expect([0.421, 4.53, 412.3, 3120].map(formatMs)).toEqual(["0.42 ms", "4.5 ms", "412 ms", "3.12 s"]);
});
