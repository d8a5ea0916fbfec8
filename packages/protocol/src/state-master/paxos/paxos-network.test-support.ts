/**
 * A seeded network of consensus machines with disks: messages are lost, doubled, delayed and reordered; a crash keeps
 * what was durable and a random part of what was not; sends wait for the appends in front of them, as the driver does.
 */
import type { PaxosEntry, PaxosMessage, ServerName } from "@redoubt/shared";
import type { Random } from "../../core.ts";
import { createPaxos } from "./paxos.ts";
import type { Paxos, PaxosEffect, PaxosRecord } from "./paxos-types.ts";

/** mulberry32: small, fast, 2^32 states. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface NetworkFaults {
  readonly lossRate: number;
  readonly duplicateRate: number;
  readonly delayMsMax: number;
  readonly syncMsMax: number;
}

export const CALM: NetworkFaults = { lossRate: 0, duplicateRate: 0, delayMsMax: 2, syncMsMax: 2 };

interface Master {
  readonly name: ServerName;
  paxos: Paxos<string>;
  isUp: boolean;
  incarnation: number;
  durable: PaxosRecord<string>[];
  /** Effects in order; everything before a pending append's end of sync waits with it. */
  pending: PaxosEffect<string>[];
  syncAt: number;
  decided: PaxosEntry<string>[];
}

interface Flight {
  readonly at: number;
  readonly order: number;
  readonly from: ServerName;
  readonly to: ServerName;
  readonly message: PaxosMessage;
}

export class PaxosNetwork {
  readonly masters = new Map<ServerName, Master>();
  readonly random: Random;
  faults: NetworkFaults = CALM;
  now = 0;
  /** Pairs "from>to" that get nothing through. */
  readonly cut = new Set<string>();
  /** First decision seen for each slot, by anybody, ever (I8). */
  readonly agreed = new Map<number, string>();
  readonly transcript: string[] = [];
  #flights: Flight[] = [];
  #order = 0;

  constructor(count: number, random: Random) {
    this.random = random;
    const names = Array.from({ length: count }, (_, index) => `state-master-${index + 1}`);
    for (const name of names) {
      const paxos = this.#create(name, names);
      this.masters.set(name, {
        name,
        paxos,
        isUp: false,
        incarnation: 0,
        durable: [],
        pending: [],
        syncAt: Number.POSITIVE_INFINITY,
        decided: [],
      });
    }
    for (const name of names) this.startMaster(name);
  }

  #create(name: ServerName, members: readonly ServerName[]): Paxos<string> {
    return createPaxos<string>({ self: name, members, random: this.random, sizeOf: (command) => command.length });
  }

  master(name: ServerName): Master {
    const master = this.masters.get(name);
    if (!master) throw new Error(`no master ${name}`);
    return master;
  }

  startMaster(name: ServerName): void {
    const master = this.master(name);
    if (master.isUp) return;
    master.paxos = this.#create(name, [...this.masters.keys()]);
    master.isUp = true;
    master.incarnation += 1;
    master.decided = [];
    this.#perform(master, master.paxos.start(master.durable, { now: this.now, wall: this.now }));
  }

  crash(name: ServerName): void {
    const master = this.master(name);
    if (!master.isUp) return;
    master.isUp = false;
    const appends = master.pending.flatMap((effect) => (effect.kind === "append" ? [effect.record] : []));
    master.durable.push(...appends.slice(0, Math.floor(this.random() * (appends.length + 1))));
    master.pending = [];
    master.syncAt = Number.POSITIVE_INFINITY;
  }

  propose(name: ServerName, commands: readonly string[]): void {
    const master = this.master(name);
    if (master.isUp) this.#perform(master, master.paxos.propose(commands, { now: this.now, wall: this.now }));
  }

  leaders(): ServerName[] {
    return [...this.masters.values()].filter(({ isUp, paxos }) => isUp && paxos.isLeader).map(({ name }) => name);
  }

  /** Runs until a moment, in the order of events. */
  runUntil(end: number): void {
    for (;;) {
      const next = this.#nextEvent();
      if (next > end) break;
      this.now = Math.max(this.now, next);
      this.#runEvents();
    }
    this.now = end;
  }

  runUntilTrue(condition: () => boolean, limitMs: number): boolean {
    const end = this.now + limitMs;
    while (this.now < end) {
      if (condition()) return true;
      this.runUntil(this.now + 5);
    }
    return condition();
  }

  #nextEvent(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const flight of this.#flights) next = Math.min(next, flight.at);
    for (const master of this.masters.values()) {
      if (master.isUp) next = Math.min(next, master.syncAt, Math.max(this.now, Math.ceil(master.paxos.wakeAt)));
    }
    return next;
  }

  #runEvents(): void {
    const due = this.#flights.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at || a.order - b.order);
    this.#flights = this.#flights.filter(({ at }) => at > this.now);
    for (const master of this.masters.values()) if (master.isUp && master.syncAt <= this.now) this.#sync(master);
    for (const flight of due) {
      const master = this.master(flight.to);
      if (!master.isUp || this.cut.has(`${flight.from}>${flight.to}`)) continue;
      const { message } = flight;
      this.#perform(master, master.paxos.receive(flight.from, message, { now: this.now, wall: this.now }));
    }
    for (const master of this.masters.values()) {
      if (!master.isUp || master.paxos.wakeAt > this.now) continue;
      this.#perform(master, master.paxos.tick({ now: this.now, wall: this.now }));
      if (master.paxos.wakeAt <= this.now) throw new Error("a tick must move the time of the next one");
    }
  }

  #perform(master: Master, effects: readonly PaxosEffect<string>[]): void {
    for (const effect of effects) {
      master.pending.push(effect);
      if (effect.kind === "append" && master.syncAt === Number.POSITIVE_INFINITY) {
        master.syncAt = this.now + Math.floor(this.random() * this.faults.syncMsMax);
      }
    }
    if (master.syncAt === Number.POSITIVE_INFINITY) this.#release(master);
    for (const entry of master.paxos.takeDecided()) this.#decided(master, entry);
  }

  #sync(master: Master): void {
    master.syncAt = Number.POSITIVE_INFINITY;
    this.#release(master);
  }

  #release(master: Master): void {
    for (const effect of master.pending) {
      if (effect.kind === "append") master.durable.push(effect.record);
      else this.#transmit(master.name, effect.to, effect.message);
    }
    master.pending = [];
  }

  #transmit(from: ServerName, to: ServerName, message: PaxosMessage): void {
    const copies = this.random() < this.faults.duplicateRate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.random() < this.faults.lossRate) continue;
      const at = this.now + 1 + Math.floor(this.random() * this.faults.delayMsMax);
      this.#flights.push({ at, order: this.#order++, from, to, message });
    }
    this.transcript.push(`${from.slice(-1)}>${to.slice(-1)} ${message.kind}`);
  }

  #decided(master: Master, entry: PaxosEntry<string>): void {
    if (entry.slot !== master.decided.length + 1)
      throw new Error(`${master.name} took slot ${entry.slot} out of order`);
    master.decided.push(entry);
    const value = JSON.stringify(entry.commands);
    const agreed = this.agreed.get(entry.slot);
    if (agreed === undefined) this.agreed.set(entry.slot, value);
    else if (agreed !== value) throw new Error(`I8: slot ${entry.slot} is ${agreed} and ${value} at ${master.name}`);
  }
}
