import { describe, expect, it } from "vitest";
import { headlineOf, retentionOf } from "./words.ts";

const master = (number: number, role: "leader" | "follower" | "learner") => ({
  ...{ server: `state-master-${number}`, node: "node-1", state: "up", role, since: "2026-03-01T12:00:00.000Z" },
  ...{ decidedThrough: 1, appliedSlot: 1, lag: 0, databaseUp: true, snapshot: null, rebuilt: null },
  retention: null,
});
const status = {
  ...{ asOf: "2026-03-01T12:00:00.000Z", leader: "state-master-1" as string | null, quorum: 2, live: 3 },
  ...{ faultsToleratedNow: 1, decidedThrough: 1, scrub: [] },
  masters: [master(1, "leader"), master(2, "follower"), master(3, "follower")],
};

describe("the masters in one sentence", () => {
  it("says who leads and how many may fail", () => {
    const { tone, sentence } = headlineOf(status);
    expect(tone).toBe("good");
    expect(sentence).toBe("state-master-1 leads. 3 masters of 3 are up, 2 must agree: 1 more may fail.");
  });

  it("warns when tolerance is used up, and calls a lost quorum by its effect", () => {
    expect(headlineOf({ ...status, live: 2, faultsToleratedNow: 0 })).toMatchObject({ tone: "warn" });
    const lost = headlineOf({ ...status, live: 1, faultsToleratedNow: 0, leader: null });
    expect(lost).toMatchObject({ tone: "bad", sentence: expect.stringContaining("503") });
  });

  it("never calls a single master a lost quorum", () => {
    const alone = { ...status, masters: [master(1, "leader")], quorum: 1, live: 1, faultsToleratedNow: 0 };
    expect(headlineOf(alone)).toMatchObject({ tone: "idle", sentence: expect.stringContaining("by design") });
  });

  it("says that an election is under way", () => {
    expect(headlineOf({ ...status, leader: null }).sentence).toContain("choosing a leader");
  });
});

describe("how long masters keep decisions", () => {
  const DAY_MS = 86_400_000;
  const keeping = (windowMs: number, ...keptFrom: (string | null)[]) =>
    retentionOf({
      masters: keptFrom.map((from) => ({
        ...master(1, "follower"),
        retention: { windowMs, reducedThrough: from === null ? 0 : 63, keptFrom: from },
      })),
    });

  it("is said with the window, and from when on all of them keep everything", () => {
    expect(keeping(0, null)).toContain("for ever");
    expect(keeping(30 * DAY_MS, null, null)).toBe("Decisions are kept whole for 30 days; none is older yet.");
    const sentence = keeping(DAY_MS / 16, "2026-03-01T11:00:00.000Z", null, "2026-03-01T12:00:00.000Z");
    expect(sentence).toContain("for 1.5 hours");
    expect(sentence).toContain("before 2026-03-01 12:00 UTC");
  });

  it("is not guessed while no master says it", () => {
    expect(retentionOf(status)).toBeNull();
  });
});
