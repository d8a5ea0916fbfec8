import { type Digest, feedEventSchema, type RegulatorFact, type RequestId } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { type FactOutcome, outcomeOfFact } from "./fact-outcome.ts";

const requestId = "ab".repeat(32) as RequestId;
const surroundings = { nodeOf: () => "node-1", titleOf: (operation: string) => `Title of ${operation}` };
const outcome = (fact: RegulatorFact): FactOutcome => outcomeOfFact(fact, surroundings);

const quarantined: RegulatorFact = {
  kind: "quarantined",
  requestId,
  attempt: 1,
  operation: "transfer",
  clientId: "mallory",
  host: "127.9.0.7",
  reason: "acceptance-test",
  check: "conserves",
  detail: "",
  executionServer: "execution-server-1",
  payload: "{}",
  state: "rejected",
  evidence: {},
};
const discard: RegulatorFact = {
  kind: "discardServer",
  server: "execution-server-1",
  incarnation: "1.a",
  requestId,
  detector: "acceptance-test",
  check: "conserves",
  detail: "the sum must be 1",
};

const tripped: RegulatorFact = {
  kind: "breakerTripped",
  applicationVersion: "a".repeat(64),
  operation: "transfer",
  check: "conserves",
  previousVersion: "b".repeat(64),
  retracted: 2,
};

const facts: RegulatorFact[] = [
  quarantined,
  { ...quarantined, clientId: "", host: "", reason: "nonsense", check: "", operation: "x".repeat(5_000) },
  discard,
  { kind: "serverConvicted", server: "execution-server-1", incarnation: "1.a", requestId, evidence: "passed" },
  {
    kind: "misbehaviour",
    server: "execution-server-1",
    component: "execution-server",
    incarnation: "1.a",
    act: "equivocation",
    requestId,
    attempt: 1,
    ticketDigest: "cd".repeat(32) as Digest,
    changeDigests: Array.from({ length: 20 }, () => "ef".repeat(32) as Digest),
    reporters: Array.from({ length: 90 }, (_, index) => `state-replica-${index}`),
    confirmed: true,
    count: 3,
    detail: "x".repeat(5_000),
  },
  { kind: "hostBlocked", principal: "mallory", requestId, reason: "acceptance-test" },
  { kind: "hostBlocked", principal: "mallory", address: "127.9.0.7", requestId, reason: "acceptance-test" },
  { kind: "hostUnblocked", address: "127.9.0.7" },
  { kind: "blockWithheld", address: "127.0.0.1", requestId, reason: "acceptance-test" },
  { kind: "signatureLearned", signature: "exact-1", requestId, operation: "transfer" },
  { kind: "requestExonerated", requestId, clientId: "mallory" },
  tripped,
  {
    kind: "breakerClosed",
    applicationVersion: "a".repeat(64),
    operation: "transfer",
    check: "conserves",
    cause: "quiet",
  },
  { kind: "epochOpened", epoch: 7, objectClusters: 1_024, holder: "execution-server-2", reason: "crash" },
  { kind: "quarantineChanged", requestId, state: "released", order: "1/ada" },
];

describe("what facts mean for people", () => {
  test("every event of every fact is in the catalogue, whatever text a client put into it", () => {
    for (const fact of facts)
      for (const event of outcome(fact).events) {
        const parsed = feedEventSchema.safeParse({ ...event, number: 1, at: "2026-01-01T00:00:00.000Z" });
        expect(parsed.error?.message).toBeUndefined();
      }
  });

  test("a discarded server opens one incident for its process, and its conviction closes that one", () => {
    const opened = outcome(discard).report;
    expect(opened).toMatchObject({ severity: "warning", subject: "execution-server-1" });
    const closed = outcome({
      kind: "serverConvicted",
      server: "execution-server-1",
      incarnation: "1.a",
      requestId,
      evidence: "two digests",
    });
    expect(closed.close?.key).toBe(opened?.key);
    expect(closed.events[0]).toMatchObject({ kind: "server.discarded", verdict: "convicted" });
  });

  test("a request that failed by itself exonerates the server that was discarded over it", () => {
    expect(outcome(quarantined).exonerates?.requestId).toBe(requestId);
  });

  test("an acceptance test that is suspect blames nobody and calls for people", () => {
    const { report, events } = outcome(tripped);
    expect(report?.severity).toBe("critical");
    expect(report?.text).toContain("redoubt app rollback (to version bbbbbbbbbbbb)");
    expect(report?.evidence).toMatchObject({ previousVersion: "b".repeat(64), retracted: 2 });
    expect(events).toMatchObject([{ kind: "breaker.changed", state: "open" }]);
  });

  test("the incident of a suspect acceptance test closes with its circuit", () => {
    const { close, events } = outcome({
      kind: "breakerClosed",
      applicationVersion: "a".repeat(64),
      operation: "transfer",
      check: "conserves",
      cause: "another version admits requests now",
    });
    expect(close?.key).toBe(outcome(tripped).report?.key);
    expect(events).toMatchObject([{ kind: "breaker.changed", state: "closed" }]);
  });
});
