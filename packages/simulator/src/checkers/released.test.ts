import { expect, test } from "vitest";
import { type Draft, eachVerified, healthyHistory, invariantsOf, lastOf, tampered } from "./history.test-support.ts";
import { checkReleased } from "./released.ts";

/** The last transfer's release, with one thing in it changed. */
const withRelease = (change: (release: Draft["releases"][number]) => void, faulty: string[] = []) =>
  tampered((draft) => {
    const { requestId } = lastOf(draft, "transfer");
    for (const release of draft.releases) if (release.requestId === requestId) change(release);
  }, faulty);

test("a healthy history passes; its replies left before the masters' decision, as they should", () => {
  const { releases } = healthyHistory();
  expect(releases.length).toBeGreaterThan(20);
  expect(releases.some(({ changes }) => changes.some(({ verified }) => !verified))).toBe(true);
  expect(checkReleased(healthyHistory())).toEqual([]);
});

test("a reply that left while a correct member lacked its undecided change is found (I3)", () => {
  const lacking = (verified: boolean, faulty: string[] = []) =>
    withRelease(({ changes }) => {
      for (const change of changes) {
        change.verified = verified;
        change.holders.delete("state-replica-3");
      }
    }, faulty);
  expect(invariantsOf(checkReleased(lacking(false)))).toEqual(["I3"]);
  expect(checkReleased(lacking(false, ["state-replica-3"]))).toEqual([]);
  expect(checkReleased(lacking(true))).toEqual([]);
});

test("a reply that left before what it follows was borne by every correct member is found (I3)", () => {
  const history = withRelease(({ changes }) => {
    for (const change of changes) {
      change.verified = false;
      const [ancestor] = healthyHistory().stored.get("state-replica-1") ?? [];
      if (ancestor) change.undecidedAncestors = [{ digest: ancestor.digest, holders: new Set(["state-replica-1"]) }];
    }
  });
  expect(invariantsOf(checkReleased(history))).toEqual(["I3"]);
});

test("a reply that no replica had is found (I3)", () => {
  const history = withRelease((release) => {
    release.changes = [];
  });
  expect(invariantsOf(checkReleased(history))).toEqual(["I3"]);
});

test("a released change that a settlement voids, or an epoch calls invalid, before or after, is found (I3)", () => {
  for (const kind of ["settled", "epochOpened"] as const) {
    const history = tampered((draft) => {
      const { requestId } = lastOf(draft, "transfer");
      eachVerified(draft, (decision, all) => {
        if (decision.change.requestId !== requestId) return;
        const common = { clusters: [], epoch: 1 };
        const dead = [decision.change];
        if (kind === "settled") all.push({ kind, ...common, survivors: [], voided: dead });
        else all.push({ kind, ...common, holder: "", members: [], faultsTolerated: 1, invalid: dead });
      });
    });
    expect(invariantsOf(checkReleased(history))).toEqual(["I3"]);
  }
});

test("an answered request that is closed is found (I4)", () => {
  const history = tampered((draft) => {
    const { requestId } = lastOf(draft, "deposit");
    eachVerified(draft, (decision, all) => {
      if (decision.change.requestId === requestId)
        all.push({ kind: "closed", requestId: decision.change.requestId, home: 1 });
    });
  });
  expect(invariantsOf(checkReleased(history))).toEqual(["I4"]);
});
