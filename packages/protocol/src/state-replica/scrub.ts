/**
 * Scrubbing (docs/PROTOCOL.md §10): again and again, at a bounded rate, this replica reads its whole journal from the disk,
 * recomputes C1 and C2 of everything (`sweep.ts`), has damaged records written again from what other members hold
 * (`repairs.ts`), and sends the masters C2 of every object. A replica that is wanted as a member and is none yet does the
 * same without pause: a whole pass is what admits it.
 *
 * Memory: one digest per object of the sweep; with many objects a pass is several sweeps, each over a share of them.
 * Bytes are counted as in messages, which is close to what is on the disk.
 */
import type { ChangeRecord, Digest } from "@redoubt/shared";
import { type RecordNumber, send } from "../core.ts";
import { digestChange, summarize } from "../digests.ts";
import { findRecordFlaw, hasRightInput } from "../well-formed.ts";
import { put, type Replica, type Turn } from "./context.ts";
import { Repairs } from "./repairs.ts";
import { type ObjectChain, Sweep } from "./sweep.ts";
import type { StateReplicaDurable } from "./types.ts";

/** Records asked of the disk and not taken yet. */
const WINDOW = 8;
const OBJECTS_PER_SWEEP = 250_000;
/** A sweep ends at the end of the journal, or when it has followed its growth for so long. */
const GROWTH_FACTOR = 1.25;
const GROWTH_RECORDS = 8_192;
const ENTRIES_PER_MESSAGE = 256;
const MESSAGE_PAUSE_MS = 2;
/** A read that was not answered (the process is stopping, or its disk hangs) ends the pass. */
const READ_PATIENCE_MS = 10_000;
export const SCRUB_BYTES_PER_SECOND = 4 * 1024 * 1024;
/** Rate of a replica that serves nobody yet, and its pause between passes. */
const GATHERING_BYTES_PER_SECOND = 64 * 1024 * 1024;
const GATHERING_PAUSE_MS = 300;
/** First pass of one that came back, in periods: between half a period and a whole one. */
const FIRST_PASS_AFTER = 0.5;
/** A pass that need not be faster takes this part of its period, at no less than this rate. */
const PART_OF_PERIOD = 0.5;
const SPREAD_STEPS = 8;
const CALM_BYTES_PER_SECOND = 1024 * 1024;
const SMALL_RECORD_BYTES = 256;
const SUSPECT_PAUSE_MS = 100;

interface Pass {
  readonly number: number;
  readonly since: number;
  readonly startedAt: number;
  share: number;
  readonly shares: number;
  sweep: Sweep;
  /** Next record to ask for, and next to take. */
  ask: RecordNumber;
  take: RecordNumber;
  end: RecordNumber;
  readonly window: Map<RecordNumber, StateReplicaDurable | undefined>;
  outstanding: number;
  /** Nothing to do before the disk has answered. */
  waitsForDisk: boolean;
  heardAt: number;
  bytes: number;
  /** Objects whose C2 is still to be sent in this sweep; set when the sweep is at the end of the journal. */
  sending: Iterator<[string, ObjectChain]> | undefined;
  sent: number;
}

export interface ScrubView {
  readonly passes: number;
  readonly lastPassMs: number;
  readonly lastPassBytes: number;
  readonly found: number;
  readonly repaired: number;
}

export class Scrub {
  readonly repairs = new Repairs();
  #pass: Pass | undefined;
  #passes = 0;
  #dueAt = Number.POSITIVE_INFINITY;
  #paceAt = Number.NEGATIVE_INFINITY;
  #lastPassMs = 0;
  #lastPassBytes = 0;
  #shares = 1;

  /**
   * One that comes back with a journal has just read it as far as it must, and others wait for it to serve: its first pass
   * is not among the first things it does, nor do all who came back together begin together.
   */
  start({ configuration, stream, store }: Replica, now: number): void {
    const { scrubPeriodMs, self } = configuration;
    if (scrubPeriodMs === undefined) return;
    const isBack = stream.restarted && !store.clusters.isWanted();
    const pauseMs = isBack ? scrubPeriodMs * FIRST_PASS_AFTER * (1 + spreadOf(self)) : GATHERING_PAUSE_MS;
    this.#dueAt = now + Math.min(scrubPeriodMs, pauseMs);
  }

  /** After an epoch was installed: who is wanted as a member does not wait for the period. */
  hasten({ store, configuration }: Replica, now: number): void {
    if (configuration.scrubPeriodMs !== undefined && store.clusters.isWanted())
      this.#dueAt = Math.min(this.#dueAt, now + GATHERING_PAUSE_MS);
  }

  view({ damage }: Replica): ScrubView {
    return {
      passes: this.#passes,
      lastPassMs: this.#lastPassMs,
      lastPassBytes: this.#lastPassBytes,
      found: damage.found,
      repaired: damage.repaired,
    };
  }

  get wakeAt(): number {
    const pass = this.#pass;
    if (!pass) return this.#dueAt;
    const deadline = pass.heardAt + READ_PATIENCE_MS;
    if (this.repairs.isBusy) return Math.min(deadline, this.repairs.wakeAt);
    return pass.waitsForDisk ? deadline : Math.min(deadline, this.#paceAt);
  }

  run(replica: Replica, turn: Turn): void {
    if (!this.#pass && turn.now >= this.#dueAt) this.#begin(replica, turn);
    const pass = this.#pass;
    if (!pass) return;
    if (turn.now >= pass.heardAt + READ_PATIENCE_MS) {
      this.#end(replica, turn);
      return;
    }
    this.repairs.run(replica, turn);
    this.#advance(replica, turn, pass);
  }

  #begin(replica: Replica, turn: Turn): void {
    if (replica.stream.slots.size > 0 && replica.store.clusters.isWanted()) {
      // Still gathering: what is not here yet cannot be compared.
      this.#dueAt = turn.now + GATHERING_PAUSE_MS;
      return;
    }
    this.#passes += 1;
    const shares = this.#shares;
    this.#paceAt = turn.now;
    this.#pass = {
      ...{ number: this.#passes, since: replica.stream.appliedThrough, startedAt: turn.now },
      ...{ share: 0, shares, sweep: newSweep(replica, 0, shares), ask: 0, take: 0, window: new Map() },
      end: endOf(replica),
      ...{ outstanding: 0, waitsForDisk: false, heardAt: turn.now, bytes: 0, sending: undefined, sent: 0 },
    };
  }

  #end(replica: Replica, turn: Turn): void {
    const { scrubPeriodMs = 0 } = replica.configuration;
    const pass = this.#pass;
    this.#pass = undefined;
    this.repairs.clear();
    if (pass) {
      this.#lastPassMs = turn.now - pass.startedAt;
      this.#lastPassBytes = pass.bytes;
    }
    const nextAt = (pass?.startedAt ?? turn.now) + scrubPeriodMs;
    const pauseMs = Math.min(GATHERING_PAUSE_MS, scrubPeriodMs);
    this.#dueAt = replica.store.clusters.isWanted() ? turn.now + pauseMs : Math.max(nextAt, turn.now + pauseMs);
  }

  #read(replica: Replica, turn: Turn, pass: Pass, number: RecordNumber): void {
    pass.outstanding += 1;
    const { sweep } = pass;
    replica.reads.readFresh(turn, number, (later, record) => {
      if (this.#pass === pass && pass.sweep === sweep) this.#arrived(replica, later, pass, number, record);
    });
  }

  #arrived(
    replica: Replica,
    turn: Turn,
    pass: Pass,
    number: RecordNumber,
    record: StateReplicaDurable | undefined,
  ): void {
    pass.outstanding -= 1;
    pass.heardAt = turn.now;
    pass.window.set(number, record);
    const bytes = record && "record" in record ? bytesOf(record.record) : SMALL_RECORD_BYTES;
    pass.bytes += bytes;
    this.#paceAt = Math.max(this.#paceAt, turn.now) + (bytes * 1000) / this.#rateOf(replica);
    this.#advance(replica, turn, pass);
  }

  #rateOf({ store, configuration }: Replica): number {
    if (store.clusters.isWanted()) return GATHERING_BYTES_PER_SECOND;
    const { scrubBytesPerSecond = SCRUB_BYTES_PER_SECOND, scrubPeriodMs = Number.POSITIVE_INFINITY } = configuration;
    return calmRate(this.#lastPassBytes, scrubPeriodMs, scrubBytesPerSecond);
  }

  repaired(replica: Replica, turn: Turn, number: RecordNumber, ok: boolean): void {
    const pass = this.#pass;
    this.repairs.answered(replica, turn, number, ok);
    if (!pass) return;
    pass.heardAt = turn.now;
    // The very record that is to be taken next, written again from memory: read it like any other.
    if (ok && pass.take === number && pass.window.delete(number)) this.#read(replica, turn, pass, number);
    this.#advance(replica, turn, pass);
  }

  /** Another member's changes: the one that is wanted is proved by its digest. */
  offer(replica: Replica, turn: Turn, records: readonly ChangeRecord[]): void {
    const { wanted } = this.repairs;
    if (!this.#pass || !wanted) return;
    const found = records.find(({ ticket, links }) => ticket.body.requestId === wanted.requestId && links.length > 0);
    if (!found || findRecordFlaw(found) || !hasRightInput(replica.hasher, found)) return;
    if (digestChange(replica.hasher, summarize(replica.hasher, found)) !== wanted.digest) return;
    this.repairs.supplied(replica, turn, found, this.#pass.sweep.parentsOf(found));
    this.#advance(replica, turn, this.#pass);
  }

  /** Somebody needed this record and could not have it: look soon instead of at the next period. */
  suspect(replica: Replica, turn: Turn, number: RecordNumber): void {
    if (replica.configuration.scrubPeriodMs !== undefined && !this.repairs.knows(number))
      this.#dueAt = Math.min(this.#dueAt, turn.now + SUSPECT_PAUSE_MS);
  }

  #advance(replica: Replica, turn: Turn, pass: Pass): void {
    this.#takeWindow(replica, turn, pass);
    if (this.repairs.isBusy || this.#pass !== pass) return;
    if (pass.sending) this.#send(replica, turn, pass);
    else if (pass.take >= Math.min(pass.end, replica.journal.next)) this.#finishSweep(replica, turn, pass);
    else this.#ask(replica, turn, pass);
  }

  #takeWindow(replica: Replica, turn: Turn, pass: Pass): void {
    pass.take = pastAbandoned(replica, pass.take);
    while (pass.window.has(pass.take) && !this.repairs.isBusy) {
      const number = pass.take;
      const record = pass.window.get(number);
      if (record ? !this.#takeRecord(replica, turn, pass, record) : this.#skip(replica, turn, number)) return;
      pass.window.delete(number);
      pass.take = pastAbandoned(replica, pass.take + 1);
      if (pass.sweep.chains.size > OBJECTS_PER_SWEEP) {
        // More objects than there is memory for: begin again, with smaller shares.
        this.#shares *= 2;
        this.#begin(replica, turn);
        return;
      }
    }
  }

  /** False: not yet, or the pass is over. */
  #takeRecord(replica: Replica, turn: Turn, pass: Pass, record: StateReplicaDurable): boolean {
    for (;;) {
      const step = pass.sweep.take(record);
      if (step.kind === "taken") break;
      const supplied = this.repairs.take(step.change.digest);
      if (supplied === undefined) {
        this.repairs.want(replica, turn, step.change);
        return false;
      }
      if (supplied === "given up") {
        this.#end(replica, turn);
        return false;
      }
      pass.sweep.supply(supplied);
    }
    this.repairs.intact(pass.take);
    return true;
  }

  /** A damaged record: true when it has to be waited for. */
  #skip(replica: Replica, turn: Turn, number: RecordNumber): boolean {
    this.repairs.note(replica, turn, number);
    return this.repairs.tryKnown(replica, turn, number);
  }

  #ask(replica: Replica, turn: Turn, pass: Pass): void {
    pass.waitsForDisk = false;
    pass.ask = pastAbandoned(replica, pass.ask);
    while (pass.ask < Math.min(pass.end, replica.journal.next) && pass.outstanding + pass.window.size < WINDOW) {
      if (turn.now < this.#paceAt) return;
      this.#read(replica, turn, pass, pass.ask);
      pass.ask = pastAbandoned(replica, pass.ask + 1);
    }
    pass.waitsForDisk = true;
  }

  #finishSweep(replica: Replica, turn: Turn, pass: Pass): void {
    pass.sending = pass.sweep.chains.entries();
    pass.waitsForDisk = false;
    this.#paceAt = turn.now;
    this.#send(replica, turn, pass);
  }

  /** One message at a time: C2 of the objects of this sweep. */
  #send(replica: Replica, turn: Turn, pass: Pass): void {
    if (!pass.sending || turn.now < this.#paceAt) return;
    pass.heardAt = turn.now;
    const entries: { object: string; number: number; c2: Digest }[] = [];
    while (entries.length < ENTRIES_PER_MESSAGE) {
      const next = pass.sending.next();
      if (next.done) {
        pass.sending = undefined;
        break;
      }
      const [object, { number, c2 }] = next.value;
      entries.push({ object, number, c2 });
    }
    pass.sent += entries.length;
    const isLast = !pass.sending && pass.share + 1 === pass.shares;
    const isWhole = isLast && !pass.sweep.isBroken && !this.repairs.hasDamage;
    const end = { objects: pass.sent, appliedThrough: replica.stream.appliedThrough };
    const { identity } = replica.journal;
    const content = { identity, pass: pass.number, since: pass.since, entries, ...(isWhole ? { end } : {}) };
    if (entries.length > 0 || isWhole)
      for (const master of replica.configuration.masters)
        put(turn, send("state-master", master, { kind: "checksums", ...content }));
    this.#paceAt = turn.now + MESSAGE_PAUSE_MS;
    if (pass.sending) return;
    if (isLast) this.#end(replica, turn);
    else this.#nextSweep(replica, pass);
  }

  #nextSweep(replica: Replica, pass: Pass): void {
    pass.share += 1;
    pass.sweep = newSweep(replica, pass.share, pass.shares);
    pass.end = endOf(replica);
    pass.ask = 0;
    pass.take = 0;
    pass.window.clear();
  }
}

/** Records that were given up are not read: nothing rests on them (`replay.ts`). */
const pastAbandoned = ({ journal }: Replica, number: RecordNumber): RecordNumber =>
  journal.abandoned.find(({ from, through }) => number >= from && number < through)?.through ?? number;

const endOf = ({ journal }: Replica): RecordNumber => Math.floor(journal.next * GROWTH_FACTOR) + GROWTH_RECORDS;

/** Bytes per second, as slow as the period allows: serving comes first. */
export function calmRate(lastPassBytes: number, periodMs: number, bytesPerSecondMax: number): number {
  const needed = (lastPassBytes * 1000) / (periodMs * PART_OF_PERIOD);
  return Math.min(bytesPerSecondMax, Math.max(needed, CALM_BYTES_PER_SECOND));
}

/** In [0, 1), the same for the same name. */
function spreadOf(name: string): number {
  let sum = 0;
  for (let at = 0; at < name.length; at++) sum += name.charCodeAt(at);
  return (sum % SPREAD_STEPS) / SPREAD_STEPS;
}

function newSweep({ hasher, store, applications }: Replica, share: number, shares: number): Sweep {
  return new Sweep({
    hasher,
    isInShare: (object) => shares === 1 || (applications.clusterOf(object) ?? 0) % shares === share,
    mustHold: (clusters) => clusters.some((cluster) => store.clusters.isMine(cluster)),
  });
}

const bytesOf = ({ writes, input, reply }: ChangeRecord): number =>
  writes.reduce((sum, write) => sum + write.bytes.length + 200, 1_000) + input.length + reply.length;
