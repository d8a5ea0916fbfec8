/**
 * A seeded network of consensus machines with disks: messages are lost, doubled, delayed and reordered; a crash keeps
 * what was durable and a random part of what was not; sends wait for the appends in front of them, as the driver does.
 * Machines make checkpoints, cut their journals, start from a checkpoint or without one, and may lose everything. What
 * they decide leads to a state of its own: the list of decided entries, which travels in snapshots.
 */
import type { PaxosEntry, PaxosMessage, ServerName } from "@redoubt/shared";
import type { Random } from "../../core.ts";
import { createPaxos } from "./paxos.ts";
import type { Paxos, PaxosCheckpoint, PaxosEffect, PaxosRecord, PaxosWindow } from "./paxos-types.ts";

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
  /** Number of the first record in `durable`: those before were cut. */
  cutBefore: number;
  /** The newest two, as a process keeps them. */
  checkpoints: SavedCheckpoint[];
  /** Of its journal. */
  identity: string | undefined;
  /** False: its database takes nothing in. */
  hasDatabase: boolean;
  /** Effects in order; everything before a pending append's end of sync waits with it. */
  pending: PaxosEffect<string>[];
  syncAt: number;
  decided: PaxosEntry<string>[];
}

interface SavedCheckpoint {
  readonly paxos: PaxosCheckpoint<string>;
  readonly decided: readonly PaxosEntry<string>[];
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

  /** Small, for tests: then entries are forgotten and journals cut all the time. */
  readonly window: PaxosWindow | undefined;

  constructor(count: number, random: Random, window?: PaxosWindow) {
    this.random = random;
    this.window = window;
    const names = Array.from({ length: count }, (_, index) => `state-master-${index + 1}`);
    this.#first = names;
    for (const name of names) {
      const paxos = this.#create(name, names);
      this.masters.set(name, {
        name,
        paxos,
        isUp: false,
        incarnation: 0,
        durable: [],
        cutBefore: 0,
        checkpoints: [],
        identity: undefined,
        hasDatabase: true,
        pending: [],
        syncAt: Number.POSITIVE_INFINITY,
        decided: [],
      });
    }
    for (const name of names) this.startMaster(name);
  }

  #create(name: ServerName, members: readonly ServerName[]): Paxos<string> {
    const identity = this.masters.get(name)?.identity;
    return createPaxos<string>({
      ...{ self: name, members, random: this.random, sizeOf: (command) => command.length },
      ...(identity === undefined ? {} : { identity }),
      ...(this.window ? { window: this.window } : {}),
      snapshot: () => splitState(this.master(name).decided),
    });
  }

  /** Servers that every master is configured with; those behind the first are learners until they are ordered in. */
  readonly #first: readonly ServerName[];

  /** A server that is no member yet: it learns. */
  addLearner(name: ServerName): void {
    const identity = `journal of ${name}`;
    const paxos = this.#create(name, this.#first);
    this.masters.set(name, {
      ...{ name, paxos, isUp: false, incarnation: 0, durable: [], cutBefore: 0, checkpoints: [], identity },
      ...{ hasDatabase: true, pending: [], syncAt: Number.POSITIVE_INFINITY, decided: [] },
    });
    this.startMaster(name);
  }

  /** Everything on its disk is gone; it comes back as another journal. */
  wipe(name: ServerName): void {
    this.crash(name);
    const master = this.master(name);
    master.durable = [];
    master.cutBefore = 0;
    master.checkpoints = [];
    master.identity = `journal ${master.incarnation} of ${name}`;
  }

  /** As a process does now and then: only when every record is durable. */
  checkpoint(name: ServerName): void {
    const master = this.master(name);
    if (!master.isUp || master.pending.length > 0) return;
    const saved = { paxos: structuredClone(master.paxos.checkpoint()), decided: [...master.decided] };
    if (saved.paxos.records !== master.cutBefore + master.durable.length)
      throw new Error("records are not counted right");
    master.checkpoints = [...master.checkpoints.slice(-1), saved];
  }

  changeMasters(name: ServerName, servers: readonly ServerName[]): void {
    const master = this.master(name);
    if (master.isUp) this.#perform(master, master.paxos.changeMasters(servers, { now: this.now, wall: this.now }));
  }

  handOver(name: ServerName): void {
    const master = this.master(name);
    if (master.isUp) this.#perform(master, master.paxos.handOver({ now: this.now, wall: this.now }));
  }

  confirm(name: ServerName): number {
    const master = this.master(name);
    const { number, effects } = master.paxos.confirm({ now: this.now, wall: this.now });
    this.#perform(master, effects);
    return number;
  }

  master(name: ServerName): Master {
    const master = this.masters.get(name);
    if (!master) throw new Error(`no master ${name}`);
    return master;
  }

  startMaster(name: ServerName): void {
    const master = this.master(name);
    if (master.isUp) return;
    master.paxos = this.#create(name, this.#first);
    master.isUp = true;
    master.incarnation += 1;
    master.decided = [];
    const saved = this.#pickCheckpoint(master);
    if (saved) {
      master.paxos.restore(saved.paxos);
      master.decided = [...saved.decided];
    }
    const from = (saved?.paxos.records ?? master.cutBefore) - master.cutBefore;
    master.paxos.replay(master.durable.slice(from), master.cutBefore + from);
    this.#perform(master, master.paxos.start([], { now: this.now, wall: this.now }));
  }

  /** Any of those kept, or none at all: what was cut off is got from a peer then. */
  #pickCheckpoint(master: Master): SavedCheckpoint | undefined {
    const dice = this.random();
    if (dice < 0.6) return master.checkpoints.at(-1);
    if (dice < 0.8) return master.checkpoints[0];
    // Both unreadable and the journal cut: a loss of state, so only while nobody else has lost his.
    const others = [...this.masters.values()].filter((other) => other !== master);
    const mayLose = master.cutBefore === 0 || others.every(({ isUp, paxos }) => isUp && paxos.isVoter);
    return mayLose ? undefined : master.checkpoints[0];
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
    const installed = master.paxos.takeInstalled();
    if (installed) this.#installed(master, installed.through, joinState(installed.parts));
    for (const entry of master.paxos.takeDecided()) this.#decided(master, entry);
    if (master.hasDatabase) master.paxos.databaseApplied(master.decided.length);
  }

  #installed(master: Master, through: number, decided: PaxosEntry<string>[]): void {
    if (decided.length !== through) throw new Error(`a snapshot of slot ${through} holds ${decided.length}`);
    master.decided = decided;
    for (const entry of decided) this.#agree(master, entry);
  }

  #sync(master: Master): void {
    master.syncAt = Number.POSITIVE_INFINITY;
    this.#release(master);
  }

  #release(master: Master): void {
    for (const effect of master.pending) {
      if (effect.kind === "append") master.durable.push(effect.record);
      else if (effect.kind === "cut") this.#cut(master, effect.before);
      else this.#transmit(master.name, effect.to, effect.message);
    }
    master.pending = [];
  }

  /** Never beyond the older checkpoint. */
  #cut(master: Master, before: number): void {
    const [older, newer] = master.checkpoints;
    if (!older || !newer) return;
    const cut = Math.min(before, older.paxos.records);
    if (cut <= master.cutBefore) return;
    master.durable = master.durable.slice(cut - master.cutBefore);
    master.cutBefore = cut;
    this.cuts += 1;
  }

  cuts = 0;

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
    this.#agree(master, entry);
  }

  #agree(master: Master, entry: PaxosEntry<string>): void {
    const value = JSON.stringify([entry.commands, entry.masters]);
    const agreed = this.agreed.get(entry.slot);
    if (agreed === undefined) this.agreed.set(entry.slot, value);
    else if (agreed !== value) throw new Error(`I8: slot ${entry.slot} is ${agreed} and ${value} at ${master.name}`);
  }
}

const PART_BYTES = 300;

function splitState(decided: readonly PaxosEntry<string>[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(JSON.stringify(decided));
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += PART_BYTES) parts.push(bytes.slice(at, at + PART_BYTES));
  return parts;
}

function joinState(parts: readonly Uint8Array[]): PaxosEntry<string>[] {
  const text = parts.map((part) => new TextDecoder().decode(part)).join("");
  return JSON.parse(text) as PaxosEntry<string>[];
}
