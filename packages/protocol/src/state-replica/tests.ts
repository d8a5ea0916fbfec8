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
import { put, type Replica, type Turn } from "./context.ts";
import type { ChangeEntry } from "./store.ts";

export const isHomeMember = (replica: Replica, entry: ChangeEntry): boolean => {
  const { body } = entry.record.ticket;
  const home = body.clusters.find((cluster) => cluster.cluster === body.home);
  return home?.members.includes(replica.configuration.self) ?? false;
};

/** The record as the routine sees it; undefined when a version it names is not stored here. */
export function composeTest(replica: Replica, test: string, record: ChangeRecord): AcceptanceTestEffect | undefined {
  const { body } = record.ticket;
  const reads: TestedRead[] = [];
  const writes: TestedWrite[] = [];
  for (const read of record.reads) {
    const bytes = replica.store.objects.bytesOf(read);
    if (bytes === undefined) return undefined;
    reads.push({ object: read.object, bytes });
  }
  for (const { object, parent, bytes } of record.writes) {
    const before = replica.store.objects.bytesOf({ object, ...parent });
    if (before === undefined) return undefined;
    writes.push({ object, before, after: bytes });
  }
  const { applicationVersion, operation, principal, now } = body;
  const { input, reply } = record;
  const accesses = replica.accesses.allOf(record);
  return { kind: "test", test, applicationVersion, operation, input, principal, now, reads, writes, accesses, reply };
}

/** Puts the test out, or gives the verdict at once where no application code is needed. */
export function runTest(replica: Replica, turn: Turn, test: string, record: ChangeRecord): Verdict | undefined {
  const effect = composeTest(replica, test, record);
  if (!effect) return { kind: "unable", detail: "a version that the change names is not stored here" };
  if (effect.operation === GENESIS_OPERATION) return judgeGenesis(replica.application, effect);
  put(turn, effect);
  return undefined;
}

/**
 * Tests the change unless that was done or is going on. True when an answer with a verdict has been or will be sent, so
 * that the caller need not answer.
 */
export function startTest(replica: Replica, turn: Turn, entry: ChangeEntry): boolean {
  if (!replica.configuration.hostsAcceptanceTests || entry.verdict) return false;
  if (entry.testing) return true;
  entry.testing = true;
  const verdict = runTest(replica, turn, entry.digest, entry.record);
  if (verdict) finishTest(replica, turn, entry, verdict);
  return true;
}

function finishTest(replica: Replica, turn: Turn, entry: ChangeEntry, verdict: Verdict): void {
  entry.testing = false;
  entry.verdict = verdict;
  sendAnswer(replica, turn, entry, { withReply: isFirstTester(replica, entry), known: false });
  if (!entry.record.ticket.body.readOnly || entry.escalated) replica.reports.report(entry, turn.now);
  // A test that died says nothing; the next time somebody asks it is run again.
  if (verdict.kind === "unable") entry.verdict = undefined;
}

/** The routine's answer about a change; it may have been dropped meanwhile. */
export function changeTested(replica: Replica, turn: Turn, test: string, verdict: Verdict): void {
  const digest = test as Digest;
  const entry = replica.store.get(digest) ?? replica.confirmations.get(digest);
  if (entry?.testing) finishTest(replica, turn, entry, verdict);
}
