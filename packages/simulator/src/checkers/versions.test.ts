import { expect, test } from "vitest";
import { verifiedChanges } from "../observation.ts";
import { eachVerified, healthyHistory, invariantsOf, lastOf, recordsOf, tampered } from "./history.test-support.ts";
import { checkConvergence, checkVersions } from "./versions.ts";

test("a healthy history passes", () => {
  expect(verifiedChanges(healthyHistory()).length).toBeGreaterThan(20);
  expect(checkVersions(healthyHistory())).toEqual([]);
  expect(checkConvergence(healthyHistory())).toEqual([]);
});

test("two verified versions with the same parent are found (I5): a fork", () => {
  const history = tampered((draft) => {
    for (const { record } of recordsOf(draft, lastOf(draft, "deposit").requestId)) {
      const [write] = record.writes;
      if (!write) throw new Error("a deposit writes");
      write.number -= 1;
      write.parent.number -= 1;
    }
  });
  expect(invariantsOf(checkVersions(history))).toContain("I5");
});

test("a verified change that is on no disk is found (I3)", () => {
  const history = tampered((draft) => {
    const { requestId } = lastOf(draft, "transfer");
    for (const [replica, changes] of draft.stored)
      draft.stored.set(
        replica,
        changes.filter(({ record }) => record.ticket.body.requestId !== requestId),
      );
  });
  expect(invariantsOf(checkVersions(history))).toContain("I3");
});

test("a change verified in an epoch that was never settled is found (I7)", () => {
  const history = tampered((draft) => {
    for (const stream of draft.decisions.values())
      for (const slot of stream) slot.decisions = slot.decisions.filter(({ kind }) => kind !== "settled");
  });
  expect(invariantsOf(checkVersions(history))).toEqual(["I7"]);
});

test("a change verified although its epoch was settled past without it is found (I7), a listed survivor is not", () => {
  const settledPast = (isSurvivor: boolean) =>
    tampered((draft) => {
      const { requestId } = lastOf(draft, "transfer");
      eachVerified(draft, (decision, all) => {
        if (decision.change.requestId !== requestId) return;
        const clusters = decision.clusters.map((cluster) => ({ from: cluster, to: cluster }));
        const survivors = isSurvivor ? [decision.change] : [];
        all.splice(all.indexOf(decision), 0, { kind: "settled", clusters, epoch: 9_999, survivors, voided: [] });
      });
    });
  expect(invariantsOf(checkVersions(settledPast(false)))).toContain("I7");
  const touched = checkVersions(settledPast(true)).filter(({ detail }) => detail.includes("settled past"));
  const { requestId } = lastOf(healthyHistory() as never, "transfer");
  const survivor = verifiedChanges(healthyHistory()).find((change) => change.requestId === requestId);
  expect(touched.some(({ detail }) => detail.includes(survivor?.digest ?? "none"))).toBe(false);
});

test("a change that was void and is verified afterwards is found (I9), and the other way round (I3)", () => {
  const withVoid = (where: "before" | "after") =>
    tampered((draft) => {
      const { requestId } = lastOf(draft, "transfer");
      eachVerified(draft, (decision, all) => {
        if (decision.change.requestId !== requestId) return;
        const settled = { kind: "settled" as const, clusters: [], epoch: 1, survivors: [], voided: [decision.change] };
        all.splice(all.indexOf(decision) + (where === "after" ? 1 : 0), 0, settled);
      });
    });
  expect(invariantsOf(checkVersions(withVoid("before")))).toEqual(["I9"]);
  expect(invariantsOf(checkVersions(withVoid("after")))).toEqual(["I3"]);
});

test("a correct replica that lacks a verified change in the end is found, a faulty one is not", () => {
  const lacking = (faulty: string[]) =>
    tampered((draft) => {
      draft.stored.get("state-replica-2")?.pop();
    }, faulty);
  expect(invariantsOf(checkConvergence(lacking([])))).toEqual(["liveness"]);
  expect(checkConvergence(lacking(["state-replica-2"]))).toEqual([]);
});
