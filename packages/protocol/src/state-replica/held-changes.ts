/**
 * Changes that cannot be judged yet, by what they wait for. Bounded per sender in number and bytes and in time, and per
 * ticket, since a captured server can make any number of records for one ticket. Whatever falls out is sent again by an
 * honest server.
 */
import { type ChangeRecord, type Digest, type Epoch, LIMITS, type ServerName } from "@redoubt/shared";
import type { RecordNumber } from "../core.ts";
import type { HoldReason } from "./admission.ts";
import type { ExaminedChange } from "./examination.ts";

/** Longest wait; one for all reasons, so that the oldest always ends first. */
export const HOLD_MS = 1_000;
const BYTES_PER_SENDER_MAX = 64 * 1024 * 1024;
/** Records held for one attempt of one request. */
const PER_TICKET_MAX = 2;
/** Records of one object cluster that wait for an unknown predecessor in its chain. */
const PER_KEY_MAX = 256;

export interface HeldChange {
  readonly from: ServerName;
  readonly record: ChangeRecord;
  /** Absent while the ticket's key or its version of the application is missing. */
  readonly examined: ExaminedChange | undefined;
  readonly key: string;
  readonly until: number;
  /** Records read for it so far: what was in memory without being read may be gone when they have come. */
  readonly records?: readonly RecordNumber[];
}

/** What keeps a change from being examined at all. */
export type UnexaminedReason =
  | { readonly kind: "key"; readonly regulatorEpoch: Epoch }
  | { readonly kind: "version"; readonly version: string };

export const holdKeyOf = (reason: HoldReason | UnexaminedReason): string => {
  switch (reason.kind) {
    case "version":
      return `version:${reason.version}`;
    case "key":
      return `key:${reason.regulatorEpoch}`;
    case "records":
      return `records:${reason.digest}`;
    case "epoch":
      return `epoch:${reason.epoch}`;
    case "serial":
      return `serial:${reason.cluster}:${reason.serial}`;
    case "chain":
      return `chain:${reason.cluster}`;
  }
};

const bytesOf = (record: ChangeRecord): number =>
  record.writes.reduce((bytes, write) => bytes + write.bytes.length, 1_024 + record.input.length + record.reply.length);

const ticketOf = ({ from, record }: HeldChange): string =>
  `${from} ${record.ticket.body.requestId} ${record.ticket.body.attempt}`;

export class HeldChanges {
  /** In the order of their ends. */
  readonly #all = new Set<HeldChange>();
  readonly #byKey = new Map<string, Set<HeldChange>>();
  readonly #byDigest = new Map<Digest, HeldChange>();
  readonly #perTicket = new Map<string, number>();
  readonly #perSender = new Map<ServerName, { count: number; bytes: number }>();

  /** False when a limit is reached or the same change is held already. */
  add(held: HeldChange): boolean {
    const sender = this.#perSender.get(held.from) ?? { count: 0, bytes: 0 };
    const bytes = bytesOf(held.record);
    if (sender.count >= LIMITS.heldChangesMax || sender.bytes + bytes > BYTES_PER_SENDER_MAX) return false;
    if (held.examined && this.#byDigest.has(held.examined.digest)) return false;
    const ticket = ticketOf(held);
    const variants = this.#perTicket.get(ticket) ?? 0;
    const waiting = this.#byKey.get(held.key) ?? new Set();
    const isCrowded = held.key.startsWith("chain:") && waiting.size >= PER_KEY_MAX;
    if (variants >= PER_TICKET_MAX || isCrowded) return false;
    this.#all.add(held);
    this.#byKey.set(held.key, waiting.add(held));
    if (held.examined) this.#byDigest.set(held.examined.digest, held);
    this.#perTicket.set(ticket, variants + 1);
    this.#perSender.set(held.from, { count: sender.count + 1, bytes: sender.bytes + bytes });
    return true;
  }

  #remove(held: HeldChange): void {
    if (!this.#all.delete(held)) return;
    const waiting = this.#byKey.get(held.key);
    waiting?.delete(held);
    if (waiting?.size === 0) this.#byKey.delete(held.key);
    if (held.examined) this.#byDigest.delete(held.examined.digest);
    const ticket = ticketOf(held);
    const variants = (this.#perTicket.get(ticket) ?? 0) - 1;
    if (variants > 0) this.#perTicket.set(ticket, variants);
    else this.#perTicket.delete(ticket);
    const sender = this.#perSender.get(held.from);
    if (!sender) return;
    if (sender.count === 1) this.#perSender.delete(held.from);
    else this.#perSender.set(held.from, { count: sender.count - 1, bytes: sender.bytes - bytesOf(held.record) });
  }

  /** Takes out everything that waits for this. */
  take(key: string): HeldChange[] {
    const waiting = [...(this.#byKey.get(key) ?? [])];
    for (const held of waiting) this.#remove(held);
    return waiting;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** One of those that wait for this. */
  first(key: string): HeldChange | undefined {
    for (const held of this.#byKey.get(key) ?? []) return held;
    return undefined;
  }

  /** A record held here that the decision stream names. */
  findByDigest(digest: Digest): ExaminedChange | undefined {
    return this.#byDigest.get(digest)?.examined;
  }

  /** Lets go what has waited long enough, and returns it. */
  expire(now: number): HeldChange[] {
    const expired: HeldChange[] = [];
    for (const held of this.#all) {
      if (held.until > now) break;
      this.#remove(held);
      expired.push(held);
    }
    return expired;
  }

  get size(): number {
    return this.#all.size;
  }

  get wakeAt(): number | undefined {
    for (const held of this.#all) return held.until;
    return undefined;
  }
}
