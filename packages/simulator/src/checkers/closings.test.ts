import type { RequestId } from "@redoubt/shared";
import { expect, test } from "vitest";
import { checkClosings } from "./closings.ts";
import { healthyHistory, invariantsOf, tampered } from "./history.test-support.ts";

const requestId = "r".repeat(64) as RequestId;
const closedBy = (fencedBy: string[], faulty: string[] = []) =>
  tampered(({ closings }) => {
    closings.push({ requestId, fencedBy: new Set(fencedBy), faultsTolerated: 1 });
  }, faulty);

test("a healthy history passes", () => {
  expect(checkClosings(healthyHistory())).toEqual([]);
});

test("a request that was rejected before it was closed is found (I4)", () => {
  const rejected = (closed: boolean) =>
    tampered(({ rejections }) => void rejections.push({ requestId, at: 5, closed }));
  expect(invariantsOf(checkClosings(rejected(false)))).toEqual(["I4"]);
  expect(checkClosings(rejected(true))).toEqual([]);
});

test("a request that was closed with less than t+1 fences is found (I4); faulty members may lie about theirs", () => {
  expect(checkClosings(closedBy(["state-replica-1", "state-replica-2"]))).toEqual([]);
  expect(invariantsOf(checkClosings(closedBy(["state-replica-1"])))).toEqual(["I4"]);
  expect(checkClosings(closedBy(["state-replica-1"], ["state-replica-3"]))).toEqual([]);
  expect(invariantsOf(checkClosings(closedBy(["state-replica-3"], ["state-replica-3"])))).toEqual(["I4"]);
});
