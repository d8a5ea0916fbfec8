/**
 * What servers did that no right one does, as members report it and as the regulator sees it itself: counted per process and
 * act, told to the manager as facts with what proves it. Telling is not convicting: a fact says who saw it and whether t+1
 * members or signatures confirm it; who is discarded for it is decided in `failures.ts` and `divergence.ts`.
 */
import {
  type Digest,
  isRequestId,
  type MemberMisbehavedMessage,
  type MisbehaviourAct,
  type RefusalReportMessage,
  type RequestId,
  type ServerName,
  type ShadowVerdictMessage,
} from "@redoubt/shared";
import { vouching } from "../quorum.ts";
import { trimOldest } from "../recent.ts";
import { addFact, type Regulator } from "./context.ts";

export interface Misbehaviour {
  readonly server: ServerName;
  readonly component: "execution-server" | "state-replica" | "acceptance-test-server";
  readonly act: MisbehaviourAct;
  /** Who saw it: a member, or this regulator. */
  readonly reporter: ServerName;
  readonly requestId: RequestId | null;
  readonly attempt: number;
  readonly ticketDigest?: Digest | undefined;
  readonly changeDigests?: readonly Digest[];
  readonly detail: string;
  /** By signatures. */
  readonly proven?: boolean;
  /** So many before it is told at all. */
  readonly tolerated?: number;
}

interface Entry {
  count: number;
  /** {@link count} when it was told last; 0: never. */
  told: number;
  confirmed: boolean;
  readonly reporters: Set<ServerName>;
}

/** Server processes × acts; beyond, the oldest are forgotten and told anew. */
const ENTRIES_MAX = 2_048;
/** Told again when there is so many times more of it. */
const TOLD_AGAIN_FACTOR = 10;
/** What members report of these is explained by a race or by lost messages while it is little. */
const TOLERATED: Partial<Record<MisbehaviourAct, number>> = { "replayed-request": 16, "partial-multicast": 2 };

const UNKNOWN_KEYS_TOLERATED = 4;

export class MisbehaviourLedger {
  readonly #entries = new Map<string, Entry>();

  /** The entry when it is to be told now. */
  count(process: string, seen: Misbehaviour, confirming: number): Readonly<Entry> | undefined {
    const key = `${process} ${seen.act}`;
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { count: 0, told: 0, confirmed: false, reporters: new Set() };
      this.#entries.set(key, entry);
      trimOldest(this.#entries, ENTRIES_MAX);
    }
    entry.count++;
    entry.reporters.add(seen.reporter);
    const wasConfirmed = entry.confirmed;
    entry.confirmed ||= seen.proven === true || entry.reporters.size >= confirming;
    const isNews =
      entry.told === 0 || entry.confirmed !== wasConfirmed || entry.count >= entry.told * TOLD_AGAIN_FACTOR;
    if (!isNews || entry.count <= (seen.tolerated ?? 0)) return undefined;
    entry.told = entry.count;
    return entry;
  }
}

/** Counts it; a fact for the manager when it is the first, is confirmed now, or has become much more. */
export function noteMisbehaviour(regulator: Regulator, seen: Misbehaviour): void {
  const { server, component, act, requestId, attempt, ticketDigest, changeDigests, detail } = seen;
  const process = regulator.servers.get(server);
  // Whoever was discarded is known for what it is.
  if (component === "execution-server" && !process) return;
  const incarnation = process?.incarnation ?? "";
  const confirming = vouching(regulator.wanted?.faultsTolerated ?? 0);
  const entry = regulator.misbehaviour.count(`${server} ${incarnation}`, seen, confirming);
  if (!entry) return;
  addFact(regulator, {
    kind: "misbehaviour",
    server,
    component,
    incarnation,
    act,
    requestId,
    attempt,
    ticketDigest: ticketDigest ?? null,
    changeDigests: changeDigests ?? [],
    reporters: [...entry.reporters],
    confirmed: entry.confirmed,
    count: entry.count,
    detail,
  });
}

/** A change of an epoch that ended longer ago than this is not one that was under way. */
const LATE_MS = 1_000;

/** A member has refused something of an execution server. */
export function noteRefusal(regulator: Regulator, reporter: ServerName, message: RefusalReportMessage): void {
  const { executionServer, requestId, attempt, ticketDigest, changeDigest, reason } = message;
  const act = message.act ?? (isLateWrite(regulator, message) ? "foreign-lease" : undefined);
  if (act === undefined) return;
  noteMisbehaviour(regulator, {
    server: executionServer,
    component: "execution-server",
    act,
    reporter,
    requestId,
    attempt,
    ticketDigest,
    changeDigests: changeDigest ? [changeDigest] : [],
    detail: `${reason}: ${message.detail}`,
    // A member that restarted, or was cut off from the regulator, knows no key either.
    tolerated: reason === "unknown-key" ? UNKNOWN_KEYS_TOLERATED : (TOLERATED[act] ?? 0),
  });
}

/** It held the lease once, and still writes: frozen for a while, or captured (REQUIREMENTS A25, A35). */
function isLateWrite({ placement, now }: Regulator, { reason, executionServer }: RefusalReportMessage): boolean {
  if (reason !== "stale-epoch") return false;
  return placement.domains.every(({ holder, since }) => holder !== executionServer && now - since > LATE_MS);
}

/** Masters are believed: the list, or the checksum, itself is the proof. */
export function noteMember(
  regulator: Regulator,
  reporter: ServerName,
  { member, epoch, reason, act = "impossible-list" }: MemberMisbehavedMessage,
): void {
  if (!regulator.wanted?.members.includes(member)) return;
  noteMisbehaviour(regulator, {
    server: member,
    component: "state-replica",
    act,
    reporter,
    requestId: null,
    attempt: 0,
    detail: epoch === 0 ? reason : `its undecided changes in the settlement of epoch ${epoch}: ${reason}`,
    proven: true,
  });
}

/** A word about something this server was never asked for (REQUIREMENTS A23): a tester's, who may lie. */
export function noteFabrication(
  regulator: Regulator,
  { server, reporter }: Pick<Misbehaviour, "server" | "reporter">,
  { requestId, attempt }: { readonly requestId: RequestId | null; readonly attempt: number },
  detail: string,
): void {
  const seen = { server, component: "execution-server", act: "fabricated-reply", reporter } as const;
  noteMisbehaviour(regulator, { ...seen, requestId, attempt, detail });
}

/** Verdicts of runs that have ended meanwhile. */
const LATE_VERDICTS_TOLERATED = 32;

/**
 * A member has tested a shadow result of a run that is not under way: the same result sent to several who test, or a result
 * nobody ordered (REQUIREMENTS A22, R48). The member's word for it, so it counts as that member's report.
 */
export function noteUnorderedResult(
  regulator: Regulator,
  reporter: ServerName,
  { run, executionServer, ticketDigest }: ShadowVerdictMessage,
): void {
  if (!regulator.wanted?.members.includes(reporter) && !regulator.wanted?.acceptanceTestServers.includes(reporter))
    return;
  const requestId = run.slice(0, run.indexOf("/"));
  const isOurs = isRequestId(requestId) && regulator.logs.which(requestId) !== undefined;
  noteMisbehaviour(regulator, {
    server: executionServer,
    component: "execution-server",
    act: "fabricated-reply",
    reporter,
    requestId: isOurs ? requestId : null,
    attempt: 0,
    ticketDigest,
    detail: "a result for a shadow run that is not under way",
    tolerated: isOurs ? LATE_VERDICTS_TOLERATED : 0,
  });
}
