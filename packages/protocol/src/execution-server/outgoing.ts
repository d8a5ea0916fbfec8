/**
 * Changes on their way to the members: kept and sent again until every member has acknowledged or refused them, their
 * epoch is over, or they are too old or too many. Also the signed evidence over their digests.
 */
import type { ChangeRecord, Digest, Epoch, ObjectClusterNumber, ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import { digestEvidence } from "../digests.ts";
import type { Engine, Turn } from "./engine.ts";

const RETRY_MS = 200;
const RETRIES_PER_MEMBER = 64;
/** Rounds of repetition to a member that acknowledges nothing: the first few, then one in eight. */
const ROUNDS_FIRST: ReadonlySet<number> = new Set([0, 1, 3]);
const ROUNDS_LATER = 8;
const RESEND_SPACING_MS = 10;
const RESEND_MAX = 256;
const KEPT_MAX = 8_192;
const KEPT_MS = 30_000;
const EVIDENCE_MS = 20;
const EVIDENCE_MAX = 256;

export interface SentChange {
  readonly record: ChangeRecord;
  readonly digest: Digest;
  readonly epoch: Epoch;
  readonly sentAt: number;
  readonly members: readonly ServerName[];
  /** Members that have neither acknowledged nor refused it. */
  readonly waiting: Set<ServerName>;
  readonly refusals: Map<ServerName, string>;
}

const ticketKey = (requestId: string, attempt: number): string => `${requestId}:${attempt}`;

const membersOf = (record: ChangeRecord): ServerName[] => [
  ...new Set(record.ticket.body.clusters.flatMap((entry) => entry.members)),
];

export class Outgoing {
  /** In the order they were sent. */
  readonly #byDigest = new Map<Digest, SentChange>();
  readonly #byTicket = new Map<string, SentChange>();
  readonly #byMember = new Map<ServerName, Map<Digest, SentChange>>();
  readonly #busy = new Map<ObjectClusterNumber, number>();
  readonly #resentAt = new Map<ServerName, number>();
  /** Rounds of repetition since a member acknowledged something. */
  readonly #silence = new Map<ServerName, number>();
  #unsigned: Digest[] = [];
  readonly #unsignedFor = new Set<ServerName>();
  #signAt: number | undefined;
  #retryAt: number | undefined;

  multicast(engine: Engine, turn: Turn, record: ChangeRecord, digest: Digest): void {
    const members = membersOf(record);
    const epoch = record.links[0]?.epoch ?? 0;
    const sent = { record, digest, epoch, sentAt: turn.now, members, waiting: new Set(members), refusals: new Map() };
    this.#byDigest.set(digest, sent);
    const { requestId, attempt } = record.ticket.body;
    this.#byTicket.set(ticketKey(requestId, attempt), sent);
    for (const { cluster } of record.links) this.#busy.set(cluster, (this.#busy.get(cluster) ?? 0) + 1);
    for (const member of members) {
      turn.effects.push(send("state-replica", member, { kind: "change", record }));
      const changes = this.#byMember.get(member) ?? new Map();
      this.#byMember.set(member, changes.set(digest, sent));
      this.#unsignedFor.add(member);
    }
    this.#unsigned.push(digest);
    this.#signAt ??= turn.now + EVIDENCE_MS;
    this.#retryAt ??= turn.now + RETRY_MS;
    if (this.#unsigned.length >= EVIDENCE_MAX) this.#sign(engine, turn);
    for (const oldest of this.#byDigest.values()) {
      if (this.#byDigest.size <= KEPT_MAX) break;
      this.#forget(oldest);
    }
  }

  #sign(engine: Engine, turn: Turn): void {
    const digests = this.#unsigned;
    const signature = engine.dependencies.sign(digestEvidence(engine.dependencies.hasher, digests));
    for (const member of this.#unsignedFor)
      turn.effects.push(send("state-replica", member, { kind: "evidence", digests, signature }));
    this.#unsigned = [];
    this.#unsignedFor.clear();
    this.#signAt = undefined;
  }

  #forget(sent: SentChange): void {
    if (!this.#byDigest.delete(sent.digest)) return;
    const { requestId, attempt } = sent.record.ticket.body;
    this.#byTicket.delete(ticketKey(requestId, attempt));
    for (const member of sent.members) this.#byMember.get(member)?.delete(sent.digest);
    for (const { cluster } of sent.record.links) {
      const count = (this.#busy.get(cluster) ?? 0) - 1;
      if (count > 0) this.#busy.set(cluster, count);
      else this.#busy.delete(cluster);
    }
  }

  #settle(sent: SentChange, member: ServerName): void {
    sent.waiting.delete(member);
    this.#byMember.get(member)?.delete(sent.digest);
    if (sent.waiting.size === 0) this.#forget(sent);
  }

  acknowledge(from: ServerName, digests: readonly Digest[]): void {
    this.#silence.delete(from);
    for (const digest of digests) {
      const sent = this.#byDigest.get(digest);
      if (sent) this.#settle(sent, from);
    }
  }

  /** The change, when this refusal is the one that makes it hopeless: `quorum` (t+1) members refused it. */
  refuse(from: ServerName, requestId: string, attempt: number, reason: string): SentChange | undefined {
    const sent = this.#byTicket.get(ticketKey(requestId, attempt));
    if (!sent?.members.includes(from) || sent.refusals.has(from)) return undefined;
    sent.refusals.set(from, reason);
    this.#settle(sent, from);
    return sent.refusals.size === sent.record.ticket.body.faultsTolerated + 1 ? sent : undefined;
  }

  /** A dispatch came again: send what is missing at once. */
  sendAgain(turn: Turn, requestId: string, attempt: number): void {
    const sent = this.#byTicket.get(ticketKey(requestId, attempt));
    for (const member of sent?.waiting ?? [])
      if (sent) turn.effects.push(send("state-replica", member, { kind: "change", record: sent.record }));
  }

  /** A member asks for everything from a serial on. */
  resend(turn: Turn, member: ServerName, epoch: Epoch, fromSerial: number): void {
    const resentAt = this.#resentAt.get(member);
    if (resentAt !== undefined && turn.now - resentAt < RESEND_SPACING_MS) return;
    let count = 0;
    for (const sent of this.#byMember.get(member)?.values() ?? []) {
      if (sent.epoch !== epoch || sent.record.serial < fromSerial) continue;
      turn.effects.push(send("state-replica", member, { kind: "change", record: sent.record }));
      if (++count >= RESEND_MAX) break;
    }
    if (count > 0) this.#resentAt.set(member, turn.now);
  }

  endEpochs(epochs: readonly Epoch[]): void {
    if (epochs.length === 0) return;
    for (const sent of [...this.#byDigest.values()]) if (epochs.includes(sent.epoch)) this.#forget(sent);
  }

  isBusy(cluster: ObjectClusterNumber): boolean {
    return this.#busy.has(cluster);
  }

  runTimers(engine: Engine, turn: Turn): void {
    if (this.#signAt !== undefined && turn.now >= this.#signAt) this.#sign(engine, turn);
    if (this.#retryAt === undefined || turn.now < this.#retryAt) return;
    for (const sent of this.#byDigest.values()) {
      if (turn.now - sent.sentAt < KEPT_MS) break;
      this.#forget(sent);
    }
    for (const [member, changes] of this.#byMember) {
      if (changes.size === 0) this.#silence.delete(member);
      if (changes.size === 0 || !this.#isDue(member)) continue;
      let count = 0;
      for (const sent of changes.values()) {
        if (turn.now - sent.sentAt < RETRY_MS || ++count > RETRIES_PER_MEMBER) break;
        turn.effects.push(send("state-replica", member, { kind: "change", record: sent.record }));
      }
    }
    this.#retryAt = this.#byDigest.size > 0 ? turn.now + RETRY_MS : undefined;
  }

  /**
   * Rounds without an acknowledgement make the next ones rarer, to one in eight: a member whose masters do not answer holds
   * the changes already, and one that is away gets nothing.
   */
  #isDue(member: ServerName): boolean {
    const rounds = this.#silence.get(member) ?? 0;
    this.#silence.set(member, rounds + 1);
    return ROUNDS_FIRST.has(rounds) || rounds % ROUNDS_LATER === 0;
  }

  get size(): number {
    return this.#byDigest.size;
  }

  get wakeAt(): number | undefined {
    if (this.#signAt === undefined || this.#retryAt === undefined) return this.#signAt ?? this.#retryAt;
    return Math.min(this.#signAt, this.#retryAt);
  }
}
