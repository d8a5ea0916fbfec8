import { expect, test } from "vitest";
import { checkEpochExclusion } from "./epoch-exclusion.ts";
import { healthyHistory, invariantsOf, lastOf, recordsOf, tampered } from "./history.test-support.ts";

test("a healthy history passes", () => {
  expect(checkEpochExclusion(healthyHistory())).toEqual([]);
});

test("a verified change of a server that did not hold the epoch is found (I7)", () => {
  const history = tampered((draft) => {
    for (const { record } of recordsOf(draft, lastOf(draft, "transfer").requestId))
      record.ticket.body.executionServer = "execution-server-9";
  });
  expect(invariantsOf(checkEpochExclusion(history))).toEqual(["I7"]);
});

const afterNewer = (how: "accepted" | "fetched", faulty: string[]) =>
  tampered((draft) => {
    const changes = draft.stored.get("state-replica-1") ?? [];
    const [first] = changes;
    if (!first) throw new Error("the replica stored something");
    const late = structuredClone(first);
    for (const link of late.record.links) link.epoch -= 1;
    changes.push({ ...late, how });
  }, faulty);

test("a replica that accepts a change of an older epoch after one of a newer epoch is found (I7)", () => {
  expect(invariantsOf(checkEpochExclusion(afterNewer("accepted", [])))).toContain("I7");
});

test("a change fetched from a peer because it was decided, and one on a faulty replica, are not blamed", () => {
  expect(checkEpochExclusion(afterNewer("accepted", ["state-replica-1"]))).toEqual([]);
  expect(checkEpochExclusion(afterNewer("fetched", []))).toEqual([]);
});
