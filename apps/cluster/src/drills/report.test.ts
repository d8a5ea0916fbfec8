import type { FeedEvent } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { DRILLS, type Drill } from "./catalogue.ts";
import type { Found } from "./evidence.ts";
import { FAULTS } from "./faults.ts";
import type { Judgement } from "./lanes.ts";
import { reportByzantine, reportCrash, reportFaults, reportOpen, type SeenRequest } from "./report.ts";

const T = Date.parse("2026-11-02T10:00:00.000Z");
const at = (offset: number): string => new Date(T + offset).toISOString();
const id = (letter: string) => letter.repeat(64);
const drillOf = (name: string): Drill => DRILLS.find((drill) => drill.name === name) as Drill;

const ended = (number: number, offset: number, server: string): FeedEvent => ({
  kind: "server.state",
  number,
  at: at(offset),
  severity: "warning",
  server,
  component: "state-replica",
  node: "node-1",
  from: "up",
  to: "down",
  cause: "signal SIGKILL",
});

const seen = (from: number, to: number, judgement: Judgement = "right", requestId?: string): SeenRequest => ({
  requestId,
  startedAt: T + from,
  answeredAt: T + to,
  judgement,
});

const found = (offset: number, requestId: string | null = null): Found => ({
  at: T + offset,
  by: "an acceptance test failed (reply-matches)",
  evidence: {
    ...{ event: 3, kind: "server.discarded", server: "execution-server-2", cause: "…", requestId },
    ...{ reporters: [], changeDigests: [] },
  },
});

describe("a compromised server", () => {
  test("is timed from its first act to the event and to the right answer of the request that met it", () => {
    const seenAll = [seen(100, 110), seen(430, 900, "right", id("a")), seen(480, 950)];
    const report = reportByzantine(drillOf("A1"), T + 430, found(470, id("a")), seenAll);
    expect(report).toMatchObject({
      drill: "A1",
      title: "wrong reply, right state",
      detected: true,
      by: "an acceptance test failed (reply-matches)",
      detectedInMs: 40,
      containedInMs: 470,
      wrongReplyReleased: 0,
      bystandersHarmed: 0,
      requests: 3,
      verdict: "detected",
    });
    expect(report.evidence).toMatchObject({ event: 3, requestId: id("a") });
  });

  test("is contained by any later right answer when the request that met it was not ours, or answered before", () => {
    const report = reportByzantine(drillOf("A1"), T + 400, found(470, id("a")), [
      seen(430, 460, "right", id("a")),
      seen(460, 465),
      seen(480, 700),
      seen(481, 690),
    ]);
    expect(report).toMatchObject({ detectedInMs: 70, containedInMs: 290 });
  });

  test("is not contained while nothing was answered afterwards, and then fails", () => {
    const report = reportByzantine(drillOf("A1"), T, found(470), [seen(100, 110)]);
    expect(report).toMatchObject({ detected: true, containedInMs: null, verdict: "failed" });
  });

  test("that no event names is not detected, and fails", () => {
    const report = reportByzantine(drillOf("A1"), T, undefined, [seen(100, 110)]);
    expect(report).toMatchObject({ detected: false, by: null, detectedInMs: null, verdict: "failed" });
  });

  test("that gets a wrong reply out, or leaves a request unanswered, fails the drill", () => {
    const wrong = reportByzantine(drillOf("A1"), T, found(470), [seen(480, 700), seen(490, 500, "wrong")]);
    expect(wrong).toMatchObject({ wrongReplyReleased: 1, bystandersHarmed: 1, verdict: "failed" });
    const harmed = reportByzantine(drillOf("A1"), T, found(470), [seen(480, 700), seen(490, 9_000, "harmed")]);
    expect(harmed).toMatchObject({ wrongReplyReleased: 0, bystandersHarmed: 1, verdict: "failed" });
  });
});

test("a drill that needs what is not built is open, neither detected nor failed", () => {
  expect(reportOpen(drillOf("A33"), "removed by rejuvenation, which is not built")).toMatchObject({
    detected: false,
    by: "removed by rejuvenation, which is not built",
    verdict: "open",
  });
});

describe("ended processes", () => {
  const servers = ["state-replica-1", "state-replica-2"];
  const end = { at: T + 1_000, servers, liveAgainAt: T + 3_000 };
  const events = [ended(1, 1_100, "state-replica-1"), ended(2, 1_250, "state-replica-2")];

  test("are noticed with the last of them, and contained when all live again and requests are answered", () => {
    const report = reportCrash(drillOf("F2"), end, events, [seen(900, 990), seen(1_010, 2_000)]);
    expect(report).toMatchObject({ detected: true, by: "signal SIGKILL", detectedInMs: 250, containedInMs: 2_000 });
  });

  test("of which one goes unnoticed are not detected", () => {
    expect(reportCrash(drillOf("F2"), end, events.slice(1), [seen(1_010, 2_000)])).toMatchObject({ detected: false });
  });

  test("that are not replaced are not contained", () => {
    const report = reportCrash(drillOf("F2"), { ...end, liveAgainAt: undefined }, events, [seen(1_010, 2_000)]);
    expect(report.containedInMs).toBeNull();
  });

  test("are not contained by answers to requests from before", () => {
    expect(reportCrash(drillOf("F2"), end, events, [seen(900, 5_000)]).containedInMs).toBeNull();
  });
});

describe("faults", () => {
  const faults = [
    { at: T + 1_000, servers: ["state-replica-1"] },
    { at: T + 9_000, servers: ["state-master-2"] },
  ];

  test("are survived when answers stay right and come again after the last, noticed or not", () => {
    const served = [seen(2_000, 2_010), seen(20_100, 20_130)];
    const report = reportFaults(drillOf("F9"), { faults, endedAt: T + 20_000 }, [], served);
    expect(report).toMatchObject({ detected: false, detectedInMs: null, containedInMs: 19_130, verdict: "survived" });
    const events = [
      ended(3, 500, "state-replica-1"),
      ended(4, 3_000, "state-replica-9"),
      ended(5, 9_200, "state-master-2"),
    ];
    const noticed = reportFaults(drillOf("F9"), { faults, endedAt: T + 20_000 }, events, served);
    expect(noticed).toMatchObject({ detected: true, detectedInMs: 8_200, evidence: { event: 5 }, verdict: "survived" });
  });

  test("are not survived when an answer is wrong, missing, or none comes afterwards", () => {
    const end = { faults, endedAt: T + 20_000 };
    for (const judgement of ["wrong", "harmed"] as const) {
      const bad = [seen(2_000, 2_010, judgement), seen(20_100, 20_130)];
      expect(reportFaults(drillOf("F9"), end, [], bad).verdict).toBe("failed");
    }
    expect(reportFaults(drillOf("F9"), end, [], [seen(2_000, 2_010)]).verdict).toBe("failed");
  });
});

test("every drill of a fault has something that fails", () => {
  const named = DRILLS.filter(({ kind }) => kind === "fault").map(({ name }) => name);
  expect(named).toEqual(Object.keys(FAULTS));
  for (const name of named) expect(FAULTS[name]?.length).toBeGreaterThan(0);
});
