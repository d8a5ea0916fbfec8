import type { ServerReport } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { livenessAfter, ObserverClock } from "./failure-detector.ts";
import { endedBetween } from "./report-changes.ts";
import { judgeServer, type ServerEvidence } from "./server-state.ts";

describe("silence", () => {
  test("of three periods makes suspect, of six down (R90)", () => {
    expect([0, 1_499, 1_500, 2_999, 3_000].map((ms) => livenessAfter(ms, 500))).toEqual([
      "up",
      "up",
      "suspect",
      "suspect",
      "down",
    ]);
  });

  test("does not grow while the observer itself stood still", () => {
    const clock = new ObserverClock(250);
    const heardAt = clock.beat(1_000);
    clock.beat(1_250);
    const afterStandstill = clock.beat(61_250);
    expect(livenessAfter(afterStandstill - heardAt, 500)).toBe("up");
    expect(clock.beat(61_500) - afterStandstill).toBe(250);
  });

  test("grows as usual when the observer is a little late", () => {
    const clock = new ObserverClock(250);
    const start = clock.beat(0);
    expect(clock.beat(400) - start).toBe(400);
  });

  test("is measured the same between two beats, and no further than the observer can know", () => {
    const clock = new ObserverClock(250);
    clock.beat(0);
    expect(clock.at(100)).toBe(100);
    expect(clock.at(60_000)).toBe(500);
  });
});

describe("a server", () => {
  const evidence = (change: Partial<ServerEvidence>): ServerEvidence => ({
    report: { state: "running" },
    discarded: false,
    health: { ready: true, silentMs: 0, periodMs: 1_000 },
    runningMs: 10_000,
    ...change,
  });
  const stateOf = (change: Partial<ServerEvidence>): string => judgeServer(evidence(change)).state;

  test("is up only when its process runs and says itself that it is ready", () => {
    expect(stateOf({})).toBe("up");
    expect(stateOf({ health: { ready: false, silentMs: 0, periodMs: 1_000 } })).toBe("starting");
    expect(stateOf({ health: undefined, runningMs: 1_000 })).toBe("starting");
    expect(stateOf({ report: undefined })).toBe("unknown");
  });

  test("that was stopped by a signal and one that was cut off or frozen are told apart (R88)", () => {
    const lastExit = { incarnation: "1", at: 0, cause: "signal SIGKILL" };
    expect(judgeServer(evidence({ report: { state: "exited", lastExit } }))).toEqual({
      state: "down",
      cause: "its process ended: signal SIGKILL",
    });
    expect(judgeServer(evidence({ health: { ready: true, silentMs: 7_000, periodMs: 1_000 } }))).toEqual({
      state: "down",
      cause: "silent for 7.0 s although its process runs",
    });
    expect(stateOf({ health: { ready: true, silentMs: 4_000, periodMs: 1_000 } })).toBe("suspect");
  });

  test("that was discarded is not up, whatever it says, until its process has ended", () => {
    expect(stateOf({ discarded: true })).toBe("discarded");
    expect(stateOf({ discarded: true, report: { state: "exited" } })).toBe("down");
  });

  test("that never reports is down in the end", () => {
    expect(stateOf({ health: undefined, runningMs: 60_000 })).toBe("down");
  });
});

describe("ends of processes", () => {
  const report = (change: Partial<ServerReport>): ServerReport => ({
    server: "execution-server-1",
    component: "execution-server",
    incarnation: "1.a",
    state: "running",
    pid: 7,
    serial: "AA",
    evidenceKeyPem: "",
    since: 0,
    ...change,
  });
  const lastExit = { incarnation: "1.a", at: 1, cause: "signal SIGKILL" };

  test("are found when the report shows them, once each", () => {
    const exited = report({ state: "exited", pid: null, serial: "", lastExit });
    const ended = [{ incarnation: "1.a", serial: "AA", cause: "signal SIGKILL" }];
    expect(endedBetween(report({}), exited)).toEqual(ended);
    expect(endedBetween(exited, exited)).toEqual([]);
    expect(endedBetween(exited, report({ incarnation: "1.b", serial: "BB", lastExit }))).toEqual([]);
  });

  test("are found when the process was replaced between two reports", () => {
    const next = report({ incarnation: "1.b", serial: "BB", lastExit });
    expect(endedBetween(report({}), next)).toEqual([{ incarnation: "1.a", serial: "AA", cause: "signal SIGKILL" }]);
  });

  test("are found when the agent that saw them is gone", () => {
    const next = report({ incarnation: "1.c", state: "starting", pid: null, serial: "" });
    expect(endedBetween(report({}), next)).toMatchObject([{ incarnation: "1.a", serial: "AA" }]);
  });

  test("include every process in a row of quick ends, as far as reports tell", () => {
    const next = report({ incarnation: "1.c", lastExit: { ...lastExit, incarnation: "1.b" } });
    expect(endedBetween(report({}), next).map(({ incarnation }) => incarnation)).toEqual(["1.a", "1.b"]);
  });

  test("are none while a process only changes its state", () => {
    expect(endedBetween(report({}), report({ state: "isolated" }))).toEqual([]);
    expect(endedBetween(undefined, report({}))).toEqual([]);
  });
});
