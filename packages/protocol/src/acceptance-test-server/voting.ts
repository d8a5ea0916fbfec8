/**
 * From votes to verdicts (docs/PROTOCOL.md §3, basic profile): once t+1 members of every object cluster named one change
 * digest, one of them gives the record and the versions it starts from; what they must be is fixed by the digest. The
 * verdict goes to the regulator with the reply, and to the masters.
 */
import {
  LIMITS,
  type LoggedAccess,
  type MemberAnswerMessage,
  type RecordMessage,
  type ServerName,
  unreachable,
  type Verdict,
} from "@redoubt/shared";
import { GENESIS_OPERATION, judgeGenesis } from "../application-port.ts";
import { send } from "../core.ts";
import { digestChange, summarize } from "../digests.ts";
import { vouching } from "../quorum.ts";
import { findRecordFlaw, findSummaryFlaw, hasRightInput } from "../well-formed.ts";
import { composeTest, ProvenVersions, startingVersions } from "./before.ts";
import { type Candidate, requestOf, type Stage, vouchedAccesses } from "./candidates.ts";
import type { Engine, Turn } from "./engine.ts";

const FETCH_RETRY_MS = 100;
const SEND_AGAIN_MS = 300;
const SENDS_MAX = 5;
/** A member's repeated vote brings the verdict again, but not more often than this. */
const ANSWER_SPACING_MS = 50;
/** Of one member's log for one ticket. */
const ACCESSES_MAX = 1_024;
/** Times the record of an audited change is asked for: no decision ends an audit, and one member's word begins it. */
const AUDIT_FETCHES_MAX = 50;
/** Tests of one change that died before it is left alone. */
const TESTS_MAX = 3;

export function receiveVote(engine: Engine, turn: Turn, from: ServerName, message: MemberAnswerMessage): void {
  const { summary, changeDigest } = message;
  const known = engine.candidates.get(changeDigest);
  if (!known && (findSummaryFlaw(summary) || digestChange(engine.dependencies.hasher, summary) !== changeDigest))
    return;
  const { clusters } = known?.summary.ticket ?? summary.ticket;
  const isAhead = clusters.some((entry) => engine.epochs.isAhead(entry.epoch));
  if (!isAhead && !engine.epochs.isMember(clusters, from)) return;
  const candidate = known ?? engine.candidates.open(changeDigest, summary, from);
  candidate.voters.add(from);
  if (message.audit === true) candidate.isAudit = true;
  else candidate.isForMasters = true;
  const accesses = message.accesses?.slice(0, ACCESSES_MAX).filter(isAccess);
  if (accesses?.length) engine.candidates.keepAccesses(candidate, from, accesses);
  const { stage } = candidate;
  if (stage.kind === "voting") considerFetching(engine, turn, candidate);
  else if (stage.kind === "tested" && turn.now - (stage.againAt - SEND_AGAIN_MS) >= ANSWER_SPACING_MS)
    sendVerdict(engine, turn, candidate, stage);
}

const isAccess = ({ object, mode, granted }: LoggedAccess): boolean =>
  typeof object === "string" &&
  object.length <= LIMITS.objectNameBytesMax &&
  mode === "fetch" &&
  typeof granted === "boolean";

export function considerFetching(engine: Engine, turn: Turn, candidate: Candidate): void {
  if (!engine.epochs.isVouched(candidate.summary.ticket.clusters, candidate.voters)) return;
  const versions = new ProvenVersions(engine.dependencies.hasher);
  candidate.stage = { kind: "fetching", versions, asked: 0, againAt: turn.now };
  engine.timed.add(candidate.digest);
  askForRecord(engine, turn, candidate);
}

function askForRecord(engine: Engine, turn: Turn, candidate: Candidate): void {
  const { stage, digest } = candidate;
  if (stage.kind !== "fetching") return;
  const voters = [...candidate.voters];
  const voter = voters[stage.asked++ % voters.length];
  stage.againAt = turn.now + FETCH_RETRY_MS;
  engine.checkAt = Math.min(engine.checkAt ?? stage.againAt, stage.againAt);
  if (voter !== undefined) turn.effects.push(send("state-replica", voter, { kind: "fetchRecord", digest }));
}

export function receiveRecord(engine: Engine, turn: Turn, from: ServerName, message: RecordMessage): void {
  const candidate = engine.candidates.get(message.digest);
  if (candidate?.stage.kind !== "fetching" || !candidate.voters.has(from)) return;
  const { record, before } = message;
  const { hasher } = engine.dependencies;
  if (!record || findRecordFlaw(record) || !hasRightInput(hasher, record)) return;
  if (digestChange(hasher, summarize(hasher, record)) !== candidate.digest) return;
  const { versions } = candidate.stage;
  versions.add(before, startingVersions(record));
  const fetched = vouchedAccesses(candidate, vouching(record.ticket.body.faultsTolerated));
  const test = composeTest(candidate.digest, record, versions, fetched);
  if (!test) return;
  candidate.stage = { kind: "testing", record };
  engine.timed.delete(candidate.digest);
  candidate.tests++;
  if (test.operation === GENESIS_OPERATION)
    candidateTested(
      engine,
      turn,
      candidate.digest,
      judgeGenesis(engine.applications.of(test.applicationVersion), test),
    );
  else turn.effects.push(test);
}

export function candidateTested(engine: Engine, turn: Turn, test: string, verdict: Verdict): void {
  const candidate = engine.candidates.get(test as Candidate["digest"]);
  if (candidate?.stage.kind !== "testing") return;
  const { record } = candidate.stage;
  if (verdict.kind === "unable" && candidate.tests < TESTS_MAX) {
    // The test's process died: once more, from the record on.
    candidate.stage = { kind: "voting" };
    considerFetching(engine, turn, candidate);
    return;
  }
  const stage = { kind: "tested", record, verdict, sent: 0, againAt: 0 } satisfies Stage;
  candidate.stage = stage;
  sendVerdict(engine, turn, candidate, stage);
}

function sendVerdict(
  engine: Engine,
  turn: Turn,
  candidate: Candidate,
  stage: Extract<Stage, { kind: "tested" }>,
): void {
  const { digest, summary } = candidate;
  const { record, verdict } = stage;
  stage.sent++;
  stage.againAt = turn.now + SEND_AGAIN_MS;
  if (stage.sent < SENDS_MAX) engine.timed.add(digest);
  else engine.timed.delete(digest);
  engine.checkAt = Math.min(engine.checkAt ?? stage.againAt, stage.againAt);
  turn.effects.push(
    send("traffic-regulator", engine.epochs.regulator, {
      kind: "acceptance",
      ...requestOf(candidate),
      changeDigest: digest,
      verdict,
      replyDigest: summary.replyDigest,
      reply: record.reply,
      ...(verdict.kind === "fail" ? { reads: record.reads } : {}),
    }),
  );
  if (!candidate.isForMasters) return;
  const changes = [{ digest, summary, durable: false, verdict }];
  for (const master of engine.configuration.masters)
    turn.effects.push(send("state-master", master, { kind: "report", changes }));
}

/** Fetches and verdicts that nobody answered in time. */
export function runCandidateTimers(engine: Engine, turn: Turn): void {
  if (engine.checkAt === undefined || turn.now < engine.checkAt) return;
  engine.checkAt = undefined;
  for (const digest of [...engine.timed]) {
    const candidate = engine.candidates.get(digest as Candidate["digest"]);
    const stage = candidate?.stage;
    if (!candidate || (stage?.kind !== "fetching" && stage?.kind !== "tested")) {
      engine.timed.delete(digest);
    } else if (stage.againAt > turn.now) {
      engine.checkAt = Math.min(engine.checkAt ?? stage.againAt, stage.againAt);
    } else if (stage.kind === "fetching") {
      if (candidate.isAudit && stage.asked >= AUDIT_FETCHES_MAX) engine.candidates.drop(candidate.digest);
      else askForRecord(engine, turn, candidate);
    } else if (stage.kind === "tested") {
      sendVerdict(engine, turn, candidate, stage);
      // The masters decide on a read-only change only when asked to, and on an audited one long ago: do not wait for it.
      if (stage.sent >= SENDS_MAX && (candidate.isAudit || candidate.summary.ticket.readOnly))
        engine.candidates.drop(candidate.digest);
    } else {
      unreachable(stage);
    }
  }
}
