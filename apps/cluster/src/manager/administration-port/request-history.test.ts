import type { AttributionRun, RequestHop, RequestTraceSeen, Verdict } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import type { RequestAttribution } from "../../administration/index.ts";
import type { StoredRequestStep } from "../state-link.ts";
import { faultOf, type IncidentOfRequest } from "./request-fault.ts";
import { unknownOf, withSlots } from "./request-history.ts";
import { answersOf, attemptsOf, hopsOf, testsOf } from "./request-hops.ts";

const PASS: Verdict = { kind: "pass" };
const FAIL: Verdict = { kind: "fail", check: "conserves", detail: "5 more than before" };
const names = { regulator: "traffic-regulator-1", client: "kiosk-1" };
const members = ["state-replica-1", "state-replica-2", "state-replica-3"];
const traceOf = (...hops: RequestHop[]): RequestTraceSeen => ({
  since: 1_700_000_000_000,
  host: "127.9.0.1",
  hops,
  omitted: 0,
});
const dispatched = (ms: number, attempt: number, server: string): RequestHop => ({
  ...{ kind: "dispatched", ms, attempt, server, epoch: 7, testers: members.slice(0, 2), members, alone: false },
});
const stored = (ms: number, server: string, verdict?: Verdict): RequestHop => ({
  ...{ kind: "acknowledged", ms, attempt: 1, server, change: "abcdef", durable: true },
  ...(verdict ? { verdict } : {}),
});
const good = traceOf(
  { kind: "entered", state: "waiting", because: "admitted", ms: 0 },
  dispatched(0.4, 1, "execution-server-1"),
  { kind: "entered", state: "running", because: "dispatched", ms: 0.4 },
  stored(4, "state-replica-1", PASS),
  stored(4.5, "state-replica-3"),
  stored(6, "state-replica-2", PASS),
  { kind: "entered", state: "ended", because: "released", ms: 6 },
  { kind: "answered", status: 200, exchanges: 1, repeated: 0, because: "all-members", ms: 6 },
  { kind: "decided", decision: "verified", attempt: 1, ms: 19 },
);
const failed = traceOf(
  dispatched(1, 1, "execution-server-2"),
  stored(5, "state-replica-1", FAIL),
  {
    ...{ kind: "failed", attempt: 1, server: "execution-server-2", detector: "acceptance-test", ms: 6 },
    ...{ check: "conserves", detail: "5 more than before" },
  },
  { kind: "shadowStarted", attempt: 2, server: "execution-server-3", testers: members, ms: 40 },
  { kind: "shadowTested", attempt: 2, server: "state-replica-2", verdict: PASS, ms: 90 },
  { kind: "shadowEnded", attempt: 2, server: "execution-server-3", judgement: "innocent", detail: "", ms: 91 },
  { kind: "convicted", server: "execution-server-2", evidence: "another passed", ms: 91 },
  dispatched(95, 3, "execution-server-3"),
);

describe("hops in words", () => {
  test("tell who, when on which clock, and nothing that was not seen", () => {
    const hops = hopsOf(good, names);
    expect(hops.map(({ server, event, ms }) => [server, event, ms])).toEqual([
      ["traffic-regulator-1", "waiting in L3", 0],
      ["execution-server-1", "dispatched", 0.4],
      ["state-replica-1", "stored, test passed", 4],
      ["state-replica-3", "stored", 4.5],
      ["state-replica-2", "stored, test passed", 6],
      ["traffic-regulator-1", "answered", 6],
      ["state masters", "verified", 19],
    ]);
    expect(hops[0]?.at).toBe(new Date(1_700_000_000_000).toISOString());
    expect(hops[2]?.detail).toContain("passed");
    expect(hops[3]?.detail).not.toContain("passed");
  });

  test("each tester's verdict stands with its attempt; a member that only stores has none", () => {
    expect(testsOf(good).map(({ server, verdict, kind }) => [server, verdict, kind])).toEqual([
      ["state-replica-1", "passed", "attempt"],
      ["state-replica-2", "passed", "attempt"],
    ]);
    expect(testsOf(failed)).toMatchObject([
      { verdict: "failed", check: "conserves", attempt: 1 },
      { verdict: "passed", kind: "shadow run", attempt: 2 },
    ]);
  });

  test("attempts and shadow runs with what became of each", () => {
    expect(attemptsOf(good)).toMatchObject([
      { number: 1, outcome: "verified", tone: "good", epoch: 7, members, failure: null },
    ]);
    expect(attemptsOf(failed).map(({ number, kind, tone }) => [number, kind, tone])).toEqual([
      [1, "attempt", "bad"],
      [2, "shadow run", "good"],
      [3, "attempt", "plain"],
    ]);
  });

  test("the client's view: every answer, and how many of them were repetitions", () => {
    const repeated = traceOf(...good.hops, {
      ...{ kind: "answered", status: 200, exchanges: 1, repeated: 1, because: "logged", ms: 5_000 },
    });
    expect(answersOf(repeated).map(({ status, repeated: times, ms }) => [status, times, ms])).toEqual([
      [200, 0, 6],
      [200, 1, 5_000],
    ]);
  });
});

test("the masters' slot is added to the hop of their decision, or is a hop of its own when the regulator saw none", () => {
  const decision = {
    kind: "verified",
    testers: ["state-replica-1"],
  } as unknown as StoredRequestStep["decisions"][number];
  const steps = [{ slot: 31, at: 1_700_000_000_100, decisions: [decision], versions: [] }];
  const seen = withSlots(hopsOf(good, names), steps);
  expect(seen.filter(({ server }) => server === "state masters")).toHaveLength(1);
  expect(seen.at(-1)?.detail).toContain("slot 31");
  expect(withSlots([], steps)).toMatchObject([{ event: "verified", ms: null, server: "state masters" }]);
});

describe("who was at fault", () => {
  const none = { hops: [], log: "L2" as const, quarantined: undefined, incidents: [], attributions: [] };
  const quarantined = { blamed: true, check: "conserves", detail: "5 more", executionServer: "execution-server-2" };
  const incident: IncidentOfRequest = {
    ...{ incidentId: "i", title: "discarded", subject: "execution-server-2", openedAt: "", closedAt: null },
    lines: ["an acceptance test failed", "convicted: another passed"],
  };

  test("there is none where nothing failed", () => {
    expect(faultOf({ ...none, hops: good.hops })).toBeNull();
  });

  test("names the convicted server, with the failure, the shadow run and the conviction as evidence", () => {
    const found = faultOf({ ...none, hops: failed.hops });
    expect(found?.guilty).toBe("execution-server");
    expect(found?.evidence.map(({ server, tone }) => [server, tone])).toEqual([
      ["execution-server-2", "bad"],
      ["execution-server-3", "good"],
      ["execution-server-2", "bad"],
    ]);
  });

  test("blames the request in L1, nobody when it was withheld, and nobody yet while it is under way", () => {
    expect(faultOf({ ...none, log: "L1", quarantined })?.guilty).toBe("request");
    expect(faultOf({ ...none, log: "L1", quarantined: { ...quarantined, blamed: false } })?.guilty).toBe("nobody");
    expect(faultOf({ ...none, log: "L3", hops: failed.hops.slice(0, 3) })?.guilty).toBe("undecided");
  });

  test("rests on the attribution's evidence when the regulator has forgotten its hops", () => {
    const run: AttributionRun = {
      ...{
        kind: "attempt",
        attempt: 1,
        server: "execution-server-2",
        incarnation: "2/1",
        epoch: 7,
        at: 0,
        lastedMs: 5,
      },
      ...{ outcome: "failed", check: "conserves", detail: "5 more", members: [], acceptance: [], signed: [] },
    };
    const attribution: RequestAttribution = {
      ...{ at: "", guilty: "execution-server" as const, check: "conserves", detail: "" },
      servers: [{ server: "execution-server-2", incarnation: "2/1" }],
      evidence: {
        runs: [run, { ...run, kind: "shadow-run", attempt: 2, outcome: "passed" }],
        strikes: [],
      },
    };
    const found = faultOf({ ...none, attributions: [attribution, attribution] });
    expect(found).toMatchObject({
      guilty: "execution-server",
      sentence: expect.stringContaining("execution-server-2 was at fault"),
    });
    expect(found?.evidence.map(({ tone }) => tone)).toEqual(["bad", "good"]);
  });

  test("rests on incidents and the quarantine's record when the regulator has forgotten", () => {
    expect(faultOf({ ...none, incidents: [incident] })).toMatchObject({ guilty: "execution-server" });
    expect(faultOf({ ...none, log: "L1", quarantined })?.evidence).toMatchObject([{ text: "5 more" }]);
  });
});

describe("what is not known is said", () => {
  const known = { found: { entry: {}, answered: true }, steps: [], trace: good, silent: false, recordsAway: false };

  test("nothing when everybody answered", () => {
    expect(unknownOf(known)).toEqual([]);
  });

  test.each([
    ["the regulator is silent", { found: { entry: undefined, answered: false } }, /regulator did not answer/],
    ["it left the logs", { found: { entry: undefined, answered: true } }, /left the regulator's logs/],
    ["its hops are forgotten", { trace: undefined }, /newest requests only/],
    ["the regulator restarted", { trace: traceOf({ kind: "restored", ms: 0 }) }, /restarted since/],
    ["no master answered", { steps: undefined }, /No state master/],
    ["no replica answered", { silent: true }, /No state replica/],
    ["the manager's database is away", { recordsAway: true }, /own database/],
  ])("%s", (_what, change, sentence) => {
    expect(unknownOf({ ...known, ...change }).join(" ")).toMatch(sentence);
  });
});
