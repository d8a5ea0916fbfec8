/**
 * Acceptance tests of changes held here (optimized profile): what the routine is given comes from this member's own
 * store, never from the execution server, save the new values themselves, which C1 binds.
 */
import type { ChangeRecord, Digest, Verdict } from "@redoubt/shared";
import {
  type AcceptanceTestEffect,
  GENESIS_OPERATION,
  judgeGenesis,
  type TestedRead,
  type TestedWrite,
} from "../application-port.ts";
import { isFirstTester, sendAnswer } from "./answers.ts";
import type { ChangeEntry } from "./change-entry.ts";
import { put, type Replica, type Turn } from "./context.ts";
import type { Needs } from "./object-store.ts";
import { withRecords } from "./record-reads.ts";
import { bytesOfVersion } from "./versions.ts";

export const isHomeMember = (replica: Replica, entry: ChangeEntry): boolean => {
  const { body } = entry.record.ticket;
  const home = body.clusters.find((cluster) => cluster.cluster === body.home);
  return home?.members.includes(replica.configuration.self) ?? false;
};

/** The record as the routine sees it; undefined when a version it names is not stored here, or is still to be read. */
export function composeTest(
  { store, accesses: logs }: Replica,
  test: string,
  record: ChangeRecord,
  needs: Needs,
): AcceptanceTestEffect | undefined {
  const { body } = record.ticket;
  const reads: TestedRead[] = [];
  const writes: TestedWrite[] = [];
  let isComplete = true;
  for (const read of record.reads) {
    const bytes = bytesOfVersion(store, read, needs)?.bytes;
    if (bytes === undefined) isComplete = false;
    else reads.push({ object: read.object, bytes });
  }
  for (const { object, parent, bytes } of record.writes) {
    const before = bytesOfVersion(store, { object, ...parent }, needs)?.bytes;
    if (before === undefined) isComplete = false;
    else writes.push({ object, before, after: bytes });
  }
  if (!isComplete) return undefined;
  const { executionServer, requestId, attempt, applicationVersion, operation, principal, now } = body;
  const { input, reply } = record;
  const accesses = logs.allOf(record);
  const named = { executionServer, requestId, attempt, applicationVersion, operation, input, principal, now };
  return { kind: "test", test, ...named, reads, writes, accesses, reply };
}

/** Puts the test out once the versions it needs are in memory, or gives the verdict where no application code is needed. */
export function runTest(
  replica: Replica,
  turn: Turn,
  test: string,
  record: ChangeRecord,
  judged: (turn: Turn, verdict: Verdict) => void,
): void {
  const unable = (later: Turn, detail: string) => judged(later, { kind: "unable", detail });
  withRecords(
    replica,
    turn,
    (later, needs) => {
      const effect = composeTest(replica, test, record, needs);
      if (needs.size > 0) return;
      if (!effect) unable(later, "a version that the change names is not stored here");
      else if (effect.operation === GENESIS_OPERATION)
        judged(later, judgeGenesis(replica.applications.of(effect.applicationVersion), effect));
      else put(later, effect);
    },
    { failed: (later) => unable(later, "a version that the change names cannot be read here") },
  );
}

/**
 * Tests the change unless that was done or is going on. True when an answer with a verdict has been or will be sent, so
 * that the caller need not answer.
 */
export function startTest(replica: Replica, turn: Turn, entry: ChangeEntry): boolean {
  if (!replica.configuration.hostsAcceptanceTests || entry.verdict) return false;
  if (entry.testing) return true;
  entry.testing = true;
  replica.testing.set(entry.digest, entry);
  runTest(replica, turn, entry.digest, entry.record, (later, verdict) => {
    if (replica.testing.get(entry.digest) === entry) finishTest(replica, later, entry, verdict);
  });
  return true;
}

function finishTest(replica: Replica, turn: Turn, entry: ChangeEntry, verdict: Verdict): void {
  entry.testing = false;
  replica.testing.delete(entry.digest);
  if (entry.status === "dropped") return;
  entry.verdict = verdict;
  sendAnswer(replica, turn, entry, { withReply: isFirstTester(replica, entry), known: false });
  if (!entry.record.ticket.body.readOnly || entry.escalated) replica.reports.report(entry, turn.now);
  // A test that died says nothing; the next time somebody asks it is run again.
  if (verdict.kind === "unable") entry.verdict = undefined;
}

/** The routine's answer about a change; it may have been dropped meanwhile. */
export function changeTested(replica: Replica, turn: Turn, test: string, verdict: Verdict): void {
  const entry = replica.testing.get(test as Digest);
  if (entry) finishTest(replica, turn, entry, verdict);
}
