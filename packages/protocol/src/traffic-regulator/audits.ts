/**
 * Who tests the testers of the basic profile (PROTOCOL §5, REQUIREMENTS U5): of the replies released some are tested again by an
 * acceptance test server chosen at random, and verdicts of designated ones that contradict each other are put before all. Whoever a
 * majority contradicts is told to the manager and designated no more while there are enough others. Nothing waits for an audit: with
 * a = 0 a wrong reply is found out, not held back.
 */
import type { AcceptanceMessage, Digest, RequestId, ServerName, Verdict } from "@redoubt/shared";
import { type Regulator, sendTo } from "./context.ts";
import { noteMisbehaviour } from "./misbehaviour.ts";
import type { PendingRequest } from "./request.ts";

const DEFAULT_PERCENT = 2;
/** Under way at a time; beyond, nothing more is chosen. */
const OPEN_MAX = 256;
const ASK_AGAIN_MS = 500;
const EXPIRY_MS = 5_000;
/** A leak is found by who has been shown the secret, an access by who heard of it: testers may rightly differ in these. */
const KNOWLEDGE_CHECKS: ReadonlySet<string> = new Set(["confidentiality", "confidential-canary", "access-log"]);

interface Audit {
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly changeDigest: Digest;
  readonly replyDigest: Digest;
  readonly members: readonly ServerName[];
  /** By acceptance test server, those whose word released the reply among them. */
  readonly verdicts: Map<ServerName, Verdict>;
  readonly asked: Set<ServerName>;
  readonly expiresAt: number;
  askAgainAt: number;
}

export class Audits {
  readonly open = new Map<RequestId, Audit>();
  /** Convicted by a majority, until this regulator starts anew. */
  readonly distrusted = new Set<ServerName>();

  get wakeAt(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const audit of this.open.values()) at = Math.min(at, audit.askAgainAt);
    return at;
  }
}

/** A reply is released: perhaps it is to be tested again, and surely when a designated server contradicted. */
export function considerAudit(regulator: Regulator, request: PendingRequest, changeDigest: Digest): void {
  const { audits, dependencies, wanted, now } = regulator;
  const { current, requestId } = request;
  if (wanted?.profile !== "basic" || !current?.acceptance || audits.open.size >= OPEN_MAX) return;
  const votes = [...current.acceptance].filter(([, vote]) => vote.changeDigest === changeDigest);
  const replyDigest = votes.find(([, { verdict }]) => verdict.kind === "pass")?.[1].replyDigest;
  if (replyDigest === undefined) return;
  const verdicts = new Map(votes.map(([server, { verdict }]) => [server, verdict]));
  const isContested = [...verdicts.values()].some(({ kind }) => kind === "fail");
  const percent = wanted.auditPercent ?? DEFAULT_PERCENT;
  if (!isContested && (percent <= 0 || dependencies.random() * 100 >= percent)) return;
  const audit: Audit = {
    requestId,
    attempt: current.number,
    changeDigest,
    replyDigest,
    members: current.homeMembers,
    verdicts,
    asked: new Set(verdicts.keys()),
    expiresAt: now + EXPIRY_MS,
    askAgainAt: now + ASK_AGAIN_MS,
  };
  const others = wanted.acceptanceTestServers.filter((server) => !verdicts.has(server));
  const chosen = others[Math.floor(dependencies.random() * others.length)];
  if (chosen === undefined && !isContested) return;
  audits.open.set(requestId, audit);
  regulator.traffic.count("audits");
  ask(regulator, audit, isContested ? others : chosen === undefined ? [] : [chosen]);
  if (isContested) conclude(regulator, audit);
}

function ask(regulator: Regulator, audit: Audit, servers: readonly ServerName[]): void {
  const { requestId, attempt, members } = audit;
  for (const server of servers) {
    audit.asked.add(server);
    for (const member of members)
      sendTo(regulator, "state-replica", member, {
        kind: "redesignate",
        requestId,
        attempt,
        acceptanceTestServer: server,
        audit: true,
      });
  }
}

/** A verdict about a request that has left L3. False when no audit asked for it. */
export function onAuditVerdict(regulator: Regulator, from: ServerName, message: AcceptanceMessage): boolean {
  const { audits, wanted } = regulator;
  const audit = audits.open.get(message.requestId);
  if (!audit?.asked.has(from) || audit.attempt !== message.attempt) return false;
  const { changeDigest, replyDigest, verdict } = message;
  if (changeDigest !== audit.changeDigest || replyDigest !== audit.replyDigest || verdict.kind === "unable")
    return true;
  if (audit.verdicts.has(from)) return true;
  audit.verdicts.set(from, verdict);
  const kinds = new Set([...audit.verdicts.values()].map(({ kind }) => kind));
  if (!kinds.has("fail")) {
    audits.open.delete(audit.requestId);
    regulator.traffic.count("audits.agreed");
    return true;
  }
  ask(regulator, audit, wanted?.acceptanceTestServers.filter((server) => !audit.asked.has(server)) ?? []);
  conclude(regulator, audit);
  return true;
}

/** Ends a contested audit once all who were asked have spoken. */
function conclude(regulator: Regulator, audit: Audit): void {
  if ([...audit.asked].every((server) => audit.verdicts.has(server))) attribute(regulator, audit);
}

function attribute(regulator: Regulator, audit: Audit): void {
  const { audits } = regulator;
  audits.open.delete(audit.requestId);
  const of = (kind: Verdict["kind"]) => [...audit.verdicts].filter(([, verdict]) => verdict.kind === kind);
  const [passed, failed] = [of("pass"), of("fail")];
  if (failed.length === 0) return;
  regulator.traffic.count("audits.contested");
  const [, first] = failed[0] ?? [];
  const check = first?.kind === "fail" ? first.check : "";
  const isKnowledge = KNOWLEDGE_CHECKS.has(check);
  const [wrong, right] = passed.length >= failed.length ? [failed, passed] : [passed, failed];
  const isProven = !isKnowledge && right.length > wrong.length;
  for (const [server, verdict] of wrong) {
    if (isProven) audits.distrusted.add(server);
    noteWrongVerdict(regulator, audit, {
      server,
      proven: isProven,
      detail: `said ${verdict.kind}, ${right.length} of ${audit.verdicts.size} acceptance test servers say ${right[0]?.[1].kind} (${check})`,
    });
  }
}

function noteWrongVerdict(
  regulator: Regulator,
  { requestId, attempt, changeDigest }: Pick<Audit, "requestId" | "attempt" | "changeDigest">,
  { server, proven, detail }: { readonly server: ServerName; readonly proven: boolean; readonly detail: string },
): void {
  noteMisbehaviour(regulator, {
    server,
    component: "acceptance-test-server",
    act: "false-verdict",
    reporter: regulator.settings.self,
    requestId,
    attempt,
    changeDigests: [changeDigest],
    detail,
    proven,
  });
}

/** A change that a+1 of 2a+1 fail: who passed it contradicts them (a ≥ 1; with a = 0 one is believed). */
export function noteContradicted(regulator: Regulator, request: PendingRequest, changeDigest: Digest): void {
  const { current, requestId } = request;
  const votes = [...(current?.acceptance ?? [])].filter(([, vote]) => vote.changeDigest === changeDigest);
  const failed = votes.filter(([, { verdict }]) => verdict.kind === "fail");
  const isKnowledge = failed.some(([, { verdict }]) => verdict.kind === "fail" && KNOWLEDGE_CHECKS.has(verdict.check));
  for (const [server, { verdict }] of votes) {
    if (verdict.kind !== "pass" || !current) continue;
    const isProven = failed.length > 1 && !isKnowledge;
    if (isProven) regulator.audits.distrusted.add(server);
    const detail = `passed what ${failed.length} others fail`;
    noteWrongVerdict(
      regulator,
      { requestId, attempt: current.number, changeDigest },
      { server, proven: isProven, detail },
    );
  }
}

/** Messages get lost; and what nobody answers in time ends by what is known. */
export function continueAudits(regulator: Regulator): void {
  for (const audit of [...regulator.audits.open.values()]) {
    if (regulator.now >= audit.expiresAt) {
      regulator.traffic.count("audits.unanswered");
      attribute(regulator, audit);
      regulator.audits.open.delete(audit.requestId);
    } else if (regulator.now >= audit.askAgainAt) {
      audit.askAgainAt = regulator.now + ASK_AGAIN_MS;
      ask(
        regulator,
        audit,
        [...audit.asked].filter((server) => !audit.verdicts.has(server)),
      );
    }
  }
}
