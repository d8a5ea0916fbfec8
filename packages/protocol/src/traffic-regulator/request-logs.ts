/**
 * The regulator's three logs (paper §3.1): L1 malformed, L2 verified requests with replies, L3 pending. A request id is in
 * exactly one at any time (REQUIREMENTS R17). Everything is journalled by the caller; this is the part held in memory,
 * bounded in entries and bytes: what leaves it is remembered as "seen", so its outcome is asked of the masters again.
 */
import { assert, type RequestId } from "@redoubt/shared";
import { type HeldEntry, HeldRequests } from "./held-requests.ts";
import type { PendingRequest } from "./request.ts";
import { SeenFilter } from "./seen-filter.ts";
import type { LogName, QuarantinedRecord, UnqualifiedRecord, VerifiedRecord } from "./types.ts";

const MALFORMED_MAX = 10_000;
const MALFORMED_BYTES_MAX = 64 * 1024 * 1024;
const UNQUALIFIED_MAX = 1_000;
const VERIFIED_BYTES_MAX = 128 * 1024 * 1024;

export interface VerifiedEntry {
  readonly requestId: RequestId;
  readonly clientId: string;
  readonly key: string;
  readonly operation: string;
  readonly status: number;
  readonly bodyText: string;
  /** Milliseconds since 1970. */
  readonly admittedAt: number;
  readonly at: number;
}

export interface MalformedEntry extends QuarantinedRecord {
  readonly review: "new" | "released" | "confirmed";
}

const nameOfKey = (clientId: string, key: string): string => `${clientId.length}:${clientId}${key}`;

export class RequestLogs {
  readonly seen = new SeenFilter();
  /** The part of L1 that waits for a person. */
  readonly held = new HeldRequests();
  readonly #verifiedMax: number;
  readonly #pending = new Map<RequestId, PendingRequest>();
  readonly #verified = new Map<RequestId, VerifiedEntry>();
  readonly #malformed = new Map<RequestId, MalformedEntry>();
  readonly #unqualified: UnqualifiedRecord[] = [];
  /** Client and idempotency key → request id: the same key with another body is told apart from a repeat. */
  readonly #keys = new Map<string, RequestId>();
  readonly #pendingOfClient = new Map<string, number>();
  #malformedBytes = 0;
  #verifiedBytes = 0;
  #unqualifiedCount = 0;

  constructor(verifiedMax: number) {
    this.#verifiedMax = verifiedMax;
  }

  which(requestId: RequestId): LogName | undefined {
    if (this.#pending.has(requestId)) return "L3";
    if (this.#verified.has(requestId)) return "L2";
    return this.#malformed.has(requestId) || this.held.get(requestId) ? "L1" : undefined;
  }

  pending(requestId: RequestId): PendingRequest | undefined {
    return this.#pending.get(requestId);
  }

  /** All of L3, oldest first. */
  inProgress(): Iterable<PendingRequest> {
    return this.#pending.values();
  }

  verified(requestId: RequestId): VerifiedEntry | undefined {
    return this.#verified.get(requestId);
  }

  malformed(requestId: RequestId): MalformedEntry | undefined {
    return this.#malformed.get(requestId) ?? this.held.get(requestId);
  }

  /** The request id this client used the key for, while it is remembered. */
  idOfKey(clientId: string, key: string): RequestId | undefined {
    return this.#keys.get(nameOfKey(clientId, key));
  }

  pendingOf(clientId: string): number {
    return this.#pendingOfClient.get(clientId) ?? 0;
  }

  /** → L3. */
  admit(request: PendingRequest): void {
    const { requestId, clientId, key } = request.record;
    assert(this.which(requestId) === undefined, "a request id is in one log only (R17)");
    this.#pending.set(requestId, request);
    this.#pendingOfClient.set(clientId, this.pendingOf(clientId) + 1);
    this.#keys.set(nameOfKey(clientId, key), requestId);
  }

  /** L3 → L2. */
  verify(record: VerifiedRecord): void {
    const pending = this.#leave(record.requestId);
    const { clientId, key, operation, admittedAt } = pending.record;
    const { requestId, status, bodyText, at } = record;
    this.#verified.set(requestId, { requestId, clientId, key, operation, status, bodyText, admittedAt, at });
    this.#verifiedBytes += bodyText.length;
    while (this.#verified.size > this.#verifiedMax || this.#verifiedBytes > VERIFIED_BYTES_MAX) this.#evictVerified();
  }

  /** L3 → nowhere: it had its outcome long ago. */
  withdraw(requestId: RequestId): void {
    const { clientId, key } = this.#leave(requestId).record;
    this.#forgetKey(clientId, key, requestId);
  }

  /** Replies of requests admitted before this time go from memory, a few at a time; their ids are remembered as seen. */
  forgetBefore(admittedAt: number, countMax: number): void {
    for (let count = 0; count < countMax; count++) {
      const [oldest] = this.#verified.values();
      if (!oldest || oldest.admittedAt >= admittedAt) return;
      this.#evictVerified();
    }
  }

  /** L3 → L1, or straight into L1. */
  quarantine(record: QuarantinedRecord): void {
    if (this.#pending.has(record.requestId)) this.#leave(record.requestId);
    assert(this.which(record.requestId) === undefined, "a request id is in one log only (R17)");
    this.#keys.set(nameOfKey(record.clientId, record.key), record.requestId);
    const { hold } = record;
    if (hold) this.held.add({ ...record, review: "new", hold, isEnding: false });
    else this.#addMalformed({ ...record, review: "new" });
  }

  /** L1 → nowhere: an administrator lets it out, and it is admitted once more. */
  release(requestId: RequestId): void {
    this.held.remove(requestId);
  }

  /** Within L1: it is rejected for ever, as the masters have closed its id. */
  endHold(requestId: RequestId): void {
    const entry = this.held.remove(requestId);
    if (!entry) return;
    const { hold: _hold, isEnding: _isEnding, ...rejected } = entry;
    this.#addMalformed(rejected);
  }

  #addMalformed(entry: MalformedEntry): void {
    this.#malformed.set(entry.requestId, entry);
    this.#malformedBytes += entry.inputText.length;
    while (this.#malformed.size > MALFORMED_MAX || this.#malformedBytes > MALFORMED_BYTES_MAX) this.#evictMalformed();
  }

  /** L1, class `unqualified`. */
  addUnqualified(record: UnqualifiedRecord): void {
    this.#unqualifiedCount += 1 + record.omitted;
    this.#unqualified.push(record);
    if (this.#unqualified.length > UNQUALIFIED_MAX) this.#unqualified.shift();
  }

  review(requestId: RequestId, state: "released" | "confirmed"): void {
    const entry = this.#malformed.get(requestId);
    if (entry) this.#malformed.set(requestId, { ...entry, review: state });
    const held = this.held.get(requestId);
    if (held) this.held.replace({ ...held, review: state });
  }

  #leave(requestId: RequestId): PendingRequest {
    const pending = this.#pending.get(requestId);
    assert(pending, "only a pending request can leave L3");
    this.#pending.delete(requestId);
    const { clientId } = pending.record;
    const left = this.pendingOf(clientId) - 1;
    if (left > 0) this.#pendingOfClient.set(clientId, left);
    else this.#pendingOfClient.delete(clientId);
    return pending;
  }

  #evictVerified(): void {
    const [oldest] = this.#verified.values();
    if (!oldest) return;
    this.#verified.delete(oldest.requestId);
    this.#verifiedBytes -= oldest.bodyText.length;
    this.#forgetKey(oldest.clientId, oldest.key, oldest.requestId);
  }

  #evictMalformed(): void {
    const [oldest] = this.#malformed.values();
    if (!oldest) return;
    this.#malformed.delete(oldest.requestId);
    this.#malformedBytes -= oldest.inputText.length;
    this.#forgetKey(oldest.clientId, oldest.key, oldest.requestId);
  }

  #forgetKey(clientId: string, key: string, requestId: RequestId): void {
    this.seen.add(requestId);
    const name = nameOfKey(clientId, key);
    if (this.#keys.get(name) === requestId) this.#keys.delete(name);
  }

  /** Of a checkpoint, oldest first. */
  restoreVerified(entry: VerifiedEntry): void {
    this.#verified.set(entry.requestId, entry);
    this.#keys.set(nameOfKey(entry.clientId, entry.key), entry.requestId);
    this.#verifiedBytes += entry.bodyText.length;
    while (this.#verified.size > this.#verifiedMax || this.#verifiedBytes > VERIFIED_BYTES_MAX) this.#evictVerified();
  }

  /** Of a checkpoint, oldest first. */
  restoreHeld(entry: HeldEntry): void {
    this.held.add(entry);
    this.#keys.set(nameOfKey(entry.clientId, entry.key), entry.requestId);
  }

  /** Of a checkpoint, oldest first. */
  restoreMalformed(entry: MalformedEntry): void {
    this.#malformed.set(entry.requestId, entry);
    this.#keys.set(nameOfKey(entry.clientId, entry.key), entry.requestId);
    this.#malformedBytes += entry.inputText.length;
  }

  exportUnqualified(): { readonly count: number; readonly entries: readonly UnqualifiedRecord[] } {
    return { count: this.#unqualifiedCount, entries: [...this.#unqualified] };
  }

  restoreUnqualified({ count, entries }: ReturnType<RequestLogs["exportUnqualified"]>): void {
    this.#unqualifiedCount = count;
    this.#unqualified.push(...entries);
  }

  /** Oldest first. */
  allVerified(): Iterable<VerifiedEntry> {
    return this.#verified.values();
  }

  /** Without those that are held; oldest first. */
  allMalformed(): Iterable<MalformedEntry> {
    return this.#malformed.values();
  }

  allPending(): IterableIterator<PendingRequest> {
    return this.#pending.values();
  }

  /** Oldest first; L3 is in order of admission. */
  get oldestPending(): PendingRequest | undefined {
    const [oldest] = this.#pending.values();
    return oldest;
  }

  /** Newest first. */
  newestVerified(limit: number): VerifiedEntry[] {
    return [...this.#verified.values()].slice(-limit).reverse();
  }

  newestMalformed(limit: number): MalformedEntry[] {
    // What is held is told first, however old it is: somebody has to decide about it.
    const held = this.held.all().slice(-limit);
    return [...[...this.#malformed.values()].slice(-limit), ...held].slice(-limit).reverse();
  }

  #allOfL1(): MalformedEntry[] {
    return [...this.#malformed.values(), ...this.held.all()];
  }

  malformedBySignature(signature: string): MalformedEntry[] {
    return this.#allOfL1().filter((entry) => entry.signature === signature);
  }

  /** What a check of an operation of a version condemned. */
  malformedByCheck(suspect: Pick<MalformedEntry, "applicationVersion" | "operation" | "check">): MalformedEntry[] {
    return this.#allOfL1().filter(
      ({ applicationVersion, operation, check }) =>
        applicationVersion === suspect.applicationVersion && operation === suspect.operation && check === suspect.check,
    );
  }

  newestUnqualified(limit: number): UnqualifiedRecord[] {
    return this.#unqualified.slice(-limit).reverse();
  }

  get counts(): { readonly L1: number; readonly L2: number; readonly L3: number } {
    return {
      L1: this.#malformed.size + this.held.size + this.#unqualifiedCount,
      L2: this.#verified.size,
      L3: this.#pending.size,
    };
  }
}
