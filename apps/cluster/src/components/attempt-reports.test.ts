import { afterEach, expect, test, vi } from "vitest";
import type { WorkerAttempt } from "../workers/index.ts";
import { AttemptReports } from "./attempt-reports.ts";

const attempt = (target: string): WorkerAttempt => ({
  ...{ act: "network", target, witness: "worker", operation: "transfer", requestId: null },
});

afterEach(() => vi.useRealTimers());

test("equal attempts are one entry with their number, told once", () => {
  const reports = new AttemptReports(() => {});
  for (const target of ["a:1", "b:2", "a:1"]) reports.note(attempt(target));
  expect(reports.take()).toMatchObject([
    { target: "a:1", count: 2 },
    { target: "b:2", count: 1 },
  ]);
  expect(reports.take()).toEqual([]);
  reports.close();
});

test("the next report is hastened once, not by every attempt", () => {
  vi.useFakeTimers();
  const hasten = vi.fn();
  const reports = new AttemptReports(hasten);
  for (let index = 0; index < 1_000; index++) reports.note(attempt("a:1"));
  vi.advanceTimersByTime(1_000);
  expect(hasten).toHaveBeenCalledTimes(1);
  reports.close();
});

test("a report is bounded however many different attempts there are", () => {
  const reports = new AttemptReports(() => {});
  for (let index = 0; index < 10_000; index++) reports.note(attempt(`host:${index}`));
  expect(reports.take()).toHaveLength(32);
  reports.close();
});
