import type { FeedEvent } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { DRILLS, type Drill } from "./catalogue.ts";
import type { Judgement } from "./lanes.ts";
import { reportByzantine, reportCrash, type SeenRequest } from "./report.ts";

const T = Date.parse("2026-11-02T10:00:00.000Z");
const at = (offset: number): string => new Date(T + offset).toISOString();
const id = (letter: string) => letter.repeat(64);
const compromised = { server: "execution-server-2", orderedAt: T };
const drillOf = (name: string): Drill => DRILLS.find((drill) => drill.name === name) as Drill;

const opened = (number: number, offset: number, holder: string): FeedEvent => ({
  kind: "epoch.opened",
  number,
  at: at(offset),
  severity: "info",
  objectClusters: 1024,
  slot: number,
  holder,
  cause: "holder is gone",
});

const discarded = (number: number, offset: number, server: string, requestId: string | null): FeedEvent => ({
  kind: "server.discarded",
  number,
  at: at(offset),
  severity: "warning",
  server,
  component: "execution-server",
  node: "node-1",
  requestId,
  verdict: "suspected",
  cause: "acceptance test: reply-matches",
});

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

describe("a compromised execution server", () => {
  const events = [
    opened(1, 50, "execution-server-3"),
    opened(2, 400, "execution-server-2"),
    discarded(3, 470, "execution-server-2", id("a")),
  ];

  test("is timed from the request that met it to the discard and to that request's right answer", () => {
    const report = reportByzantine(drillOf("A1"), compromised, events, [
      seen(100, 110),
      seen(430, 900, "right", id("a")),
      seen(480, 950),
    ]);
    expect(report).toEqual({
      drill: "A1",
      title: "wrong reply, right state",
      detected: true,
      by: "acceptance test: reply-matches",
      detectedInMs: 40,
      containedInMs: 470,
      wrongReplyReleased: 0,
      bystandersHarmed: 0,
    });
  });

  test("is timed from when it became the holder, for a request that had waited for that", () => {
    const report = reportByzantine(drillOf("A1"), compromised, events, [seen(300, 900, "right", id("a"))]);
    expect(report).toMatchObject({ detectedInMs: 70, containedInMs: 500 });
  });

  test("is contained by any later right answer when the request that met it was not ours", () => {
    const report = reportByzantine(drillOf("A1"), compromised, events, [
      seen(460, 465),
      seen(480, 700),
      seen(481, 690),
    ]);
    expect(report).toMatchObject({ detectedInMs: 70, containedInMs: 290 });
  });

  test("is contained by a later right answer when honest replicas had answered the one that met it before", () => {
    const request = seen(430, 460, "right", id("a"));
    const report = reportByzantine(drillOf("A4"), compromised, events, [request, seen(480, 700)]);
    expect(report).toMatchObject({ detectedInMs: 40, containedInMs: 270 });
  });

  test("is not contained while nothing was answered afterwards", () => {
    const report = reportByzantine(drillOf("A1"), compromised, events, [seen(100, 110)]);
    expect(report).toMatchObject({ detected: true, containedInMs: null });
  });

  test("that nobody discards is not detected", () => {
    const report = reportByzantine(drillOf("A1"), compromised, [opened(1, 50, "execution-server-3")], [seen(100, 110)]);
    expect(report).toMatchObject({ detected: false, by: null, detectedInMs: null, containedInMs: null });
  });

  test("that gets a wrong reply out, or leaves a request unanswered, fails the drill", () => {
    const wrong = reportByzantine(drillOf("A1"), compromised, events, [
      seen(430, 900),
      seen(480, 700),
      seen(490, 500, "wrong"),
    ]);
    expect(wrong).toMatchObject({ wrongReplyReleased: 1, bystandersHarmed: 1 });
    const harmed = reportByzantine(drillOf("A1"), compromised, events, [seen(480, 700), seen(490, 9_000, "harmed")]);
    expect(harmed).toMatchObject({ wrongReplyReleased: 0, bystandersHarmed: 1 });
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
