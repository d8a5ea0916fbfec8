/**
 * Work that needs records which are not in memory: it waits until they have been read and is then done as a whole, with
 * all of them at hand. At most so much is read ahead that the memory stays bounded; what comes beyond waits in line.
 * A record that cannot be read fails whatever needs it: nothing is done, those who asked ask again (PROTOCOL: nothing is
 * served from damaged bytes), and {@link RecordReads.damaged} names it to whoever repairs it.
 */
import type { ServerName } from "@redoubt/shared";
import type { RecordNumber } from "../core.ts";
import { Queue } from "../queue.ts";
import { put, type Replica, type Turn } from "./context.ts";
import type { Needs } from "./object-store.ts";
import type { KnownRecord } from "./store.ts";
import type { StateReplicaDurable } from "./types.ts";

/** Work whose records are being read at the same time. */
const ACTIVE_MAX = 256;
/** Bytes of records held for waiting work above which no more work is begun. */
const PINNED_BYTES_MAX = 64 * 1024 * 1024;
const WAITING_MAX = 16_384;
const WAITING_PER_SENDER_MAX = 1_024;
/** Records one piece of work may need. */
const NEEDS_MAX = 4_096;
const OTHER_RECORD_BYTES = 4_096;

interface Work {
  readonly numbers: readonly RecordNumber[];
  readonly sender: ServerName | undefined;
  readonly resume: (turn: Turn) => void;
  readonly failed: (turn: Turn) => void;
  missing: number;
  readonly held: RecordNumber[];
  isOver: boolean;
}

export interface ReadOptions {
  /** Whose work this is, if it is to be limited. */
  readonly sender?: ServerName;
  /** A record could not be read, or there is too much waiting. */
  readonly failed?: (turn: Turn) => void;
}

type Reading = (turn: Turn, record: StateReplicaDurable | undefined) => void;

const bytesOf = (record: KnownRecord): number => ("bytes" in record ? record.bytes : OTHER_RECORD_BYTES);

export class RecordReads {
  /** Records that could not be read, until they are read from the disk again or repaired. */
  readonly damaged = new Set<RecordNumber>();
  readonly #queue = new Queue<Work>();
  readonly #byNumber = new Map<RecordNumber, Work[]>();
  readonly #pins = new Map<RecordNumber, number>();
  readonly #perSender = new Map<ServerName, number>();
  readonly #fresh = new Map<string, Reading>();
  #active = 0;
  #pinnedBytes = 0;
  #tokens = 0;

  get waitingCount(): number {
    return this.#active + this.#queue.size;
  }

  /** Reads from the disk, whatever is in memory; `reading` is called with the record, or undefined if it is damaged. */
  readFresh(turn: Turn, number: RecordNumber, reading: Reading): void {
    const token = `fresh ${++this.#tokens}`;
    this.#fresh.set(token, reading);
    put(turn, { kind: "readRecord", number, token, fresh: true });
  }

  /** False: too much is waiting, or too much is needed; nothing will happen. */
  wait(
    replica: Replica,
    turn: Turn,
    numbers: readonly RecordNumber[],
    resume: (turn: Turn) => void,
    { sender, failed = () => undefined }: ReadOptions = {},
  ): boolean {
    const count = sender === undefined ? 0 : (this.#perSender.get(sender) ?? 0);
    if (numbers.length > NEEDS_MAX || this.waitingCount >= WAITING_MAX || count >= WAITING_PER_SENDER_MAX) return false;
    if (sender !== undefined) this.#perSender.set(sender, count + 1);
    this.#queue.push({ numbers, sender, resume, failed, missing: 0, held: [], isOver: false });
    this.#begin(replica, turn);
    return true;
  }

  #begin(replica: Replica, turn: Turn): void {
    while (this.#queue.size > 0) {
      const isFull = this.#active >= ACTIVE_MAX || this.#pinnedBytes >= PINNED_BYTES_MAX;
      if (isFull && this.#active > 0) return;
      const work = this.#queue.shift() as Work;
      this.#active++;
      for (const number of work.numbers) this.#ask(replica, turn, work, number);
      if (work.missing === 0) this.#end(replica, turn, work, work.resume);
    }
  }

  #ask(replica: Replica, turn: Turn, work: Work, number: RecordNumber): void {
    const known = replica.store.known(number);
    if (known) {
      this.#pin(replica, work, number, known);
      return;
    }
    work.missing++;
    const others = this.#byNumber.get(number);
    if (others) others.push(work);
    else {
      this.#byNumber.set(number, [work]);
      put(turn, { kind: "readRecord", number, token: "", fresh: false });
    }
  }

  #pin({ store }: Replica, work: Work, number: RecordNumber, record: KnownRecord): void {
    const users = this.#pins.get(number) ?? 0;
    this.#pins.set(number, users + 1);
    if (users === 0) {
      store.pinned.set(number, record);
      this.#pinnedBytes += bytesOf(record);
    }
    work.held.push(number);
  }

  #end(replica: Replica, turn: Turn, work: Work, how: (turn: Turn) => void): void {
    if (work.isOver) return;
    work.isOver = true;
    how(turn);
    for (const number of work.held) this.#unpin(replica, number);
    this.#active--;
    if (work.sender === undefined) return;
    const left = (this.#perSender.get(work.sender) ?? 1) - 1;
    if (left > 0) this.#perSender.set(work.sender, left);
    else this.#perSender.delete(work.sender);
  }

  #unpin({ store }: Replica, number: RecordNumber): void {
    const users = (this.#pins.get(number) ?? 1) - 1;
    if (users > 0) {
      this.#pins.set(number, users);
      return;
    }
    this.#pins.delete(number);
    const record = store.pinned.get(number);
    store.pinned.delete(number);
    if (record) this.#pinnedBytes -= bytesOf(record);
  }

  /** Answer to a `readRecord`. */
  arrived(
    replica: Replica,
    turn: Turn,
    { number, token, record }: { number: RecordNumber; token: string; record: StateReplicaDurable | undefined },
  ): void {
    const reading = this.#fresh.get(token);
    if (!record) {
      this.damaged.add(number);
      replica.scrub.suspect(replica, turn, number);
    } else if (reading) this.damaged.delete(number);
    if (reading) {
      this.#fresh.delete(token);
      reading(turn, record);
      return;
    }
    const waiting = this.#byNumber.get(number);
    if (token !== "" || !waiting) return;
    this.#byNumber.delete(number);
    const known = record && replica.store.adopt(number, record);
    for (const work of waiting) {
      if (!known) this.#end(replica, turn, work, work.failed);
      else if (!work.isOver) this.#pin(replica, work, number, known);
      work.missing--;
    }
    for (const work of waiting) if (work.missing === 0) this.#end(replica, turn, work, work.resume);
    this.#begin(replica, turn);
  }
}

/**
 * Does `work` once all records it needs are in memory. It is called again from its beginning each time some have come;
 * whenever it leaves something in `needs` it must have done nothing else.
 */
export function withRecords(
  replica: Replica,
  turn: Turn,
  work: (turn: Turn, needs: Needs) => void,
  options: ReadOptions = {},
  earlier: readonly RecordNumber[] = [],
): void {
  const needs: Needs = new Set();
  work(turn, needs);
  if (needs.size === 0) return;
  const numbers = [...new Set([...earlier, ...needs])];
  const again = (later: Turn): void => withRecords(replica, later, work, options, numbers);
  if (!replica.reads.wait(replica, turn, numbers, again, options)) options.failed?.(turn);
}
