/**
 * Three state replicas and two execution servers in one room, with a scripted master and regulator, a network that
 * delays, reorders, loses and duplicates, and replicas that crash. Everything follows from the seed.
 */
import type {
  AnswerMessage,
  AnyMessage,
  Component,
  Digest,
  ToExecutionServer,
  ToStateMaster,
  ToStateReplica,
  ToTrafficRegulator,
} from "@redoubt/shared";
import { componentOf } from "@redoubt/shared";
import {
  createExecutionServer,
  type ExecutionServerEffect,
  type ExecutionServerInput,
} from "../execution-server/index.ts";
import {
  createStateReplica,
  type StateReplica,
  type StateReplicaDurable,
  type StateReplicaEffect,
  type StateReplicaInput,
} from "../state-replica/index.ts";
import { nodeHasher } from "./hasher.test-support.ts";
import { ScriptedMaster, SERVERS } from "./scripted-master.test-support.ts";
import {
  genesisOrder,
  keyOf,
  MASTERS,
  MEMBERS,
  type Order,
  order,
  REGULATOR,
  toyApplication,
} from "./toy.test-support.ts";
import { execute, judge } from "./toy-worker.test-support.ts";

const MASTER = MASTERS[0];

export { SERVERS };

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

interface Pending {
  readonly at: number;
  readonly run: () => void;
}

interface Request {
  readonly make: (attempt: number, epoch: number, holder: string) => Order;
  attempt: number;
  epoch: number;
  ticket: Order | undefined;
}

/** Replica or execution server; each gets only its own inputs. */
interface RoomCore {
  step(input: never): readonly (StateReplicaEffect | ExecutionServerEffect)[];
  readonly wakeAt: number | undefined;
}

export class Room {
  now = 0;
  readonly random: () => number;
  readonly master: ScriptedMaster;
  readonly journals = new Map<string, StateReplicaDurable[]>();
  readonly replicas = new Map<string, StateReplica>();
  /** Replies that left: by request id, the change digest that t+1 passes and every member's durable answer vouched for. */
  readonly released = new Map<string, Digest>();
  requests: Request[] = [];
  #queue: Pending[] = [];
  readonly #cores = new Map<string, RoomCore>();
  readonly #lives = new Map<string, number>();
  readonly #lossRate: number;
  readonly #candidates = new Map<Digest, { readonly answer: AnswerMessage; readonly passed: Map<string, boolean> }>();
  readonly #releasedChanges = new Set<Digest>();

  constructor(seed: number, lossRate: number) {
    this.random = generator(seed);
    this.#lossRate = lossRate;
    this.master = new ScriptedMaster(this);
    for (const member of MEMBERS) this.startReplica(member);
    for (const server of SERVERS) this.startServer(server);
    this.master.openEpoch(SERVERS[0]);
  }

  later(delay: number, run: () => void): void {
    this.#queue.push({ at: this.now + delay, run });
  }

  transmit(from: string, to: string, message: AnyMessage): void {
    if (this.random() < this.#lossRate) return;
    const copies = this.random() < this.#lossRate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++)
      this.later(Math.floor(this.random() * 20), () => this.#deliver(from, to, message));
  }

  #deliver(from: string, to: string, message: AnyMessage): void {
    if (to === REGULATOR) this.#answered(from, message as ToTrafficRegulator);
    else if (componentOf(to) === "state-master") this.master.receive(from, message as ToStateMaster);
    else {
      const sender = { component: componentOf(from) as Component, server: from };
      this.#step(to, {
        kind: "message",
        from: sender,
        message: message as ToStateReplica & ToExecutionServer,
        now: this.now,
        wall: this.now,
      });
    }
  }

  startReplica(server: string): void {
    const core = createStateReplica(
      { hasher: nodeHasher, application: toyApplication },
      { self: server, masters: [MASTER], trafficRegulator: REGULATOR, hostsAcceptanceTests: true },
    );
    const durable = this.journals.get(server) ?? [];
    this.journals.set(server, durable);
    this.replicas.set(server, core);
    this.#start(server, core, { kind: "start", durable: [...durable], now: this.now, wall: this.now });
    this.#offerKey(server, this.#lives.get(server) ?? 0);
  }

  /** As a regulator does when the link comes up, until the member has surely got it. */
  #offerKey(server: string, life: number): void {
    if (this.#lives.get(server) !== life) return;
    this.transmit(REGULATOR, server, { kind: "ticketKey", regulatorEpoch: 1, key: keyOf(server) });
    this.later(200, () => this.#offerKey(server, life));
  }

  startServer(server: string): void {
    const core = createExecutionServer(
      { hasher: nodeHasher, application: toyApplication, random: this.random, sign: () => "ab" },
      { self: server, trafficRegulator: REGULATOR },
    );
    this.#start(server, core, { kind: "start", durable: [], now: this.now, wall: this.now });
  }

  #start(server: string, core: RoomCore, input: unknown): void {
    this.#lives.set(server, (this.#lives.get(server) ?? 0) + 1);
    this.#cores.set(server, core);
    this.#perform(server, core.step(input as never));
  }

  crash(server: string): void {
    this.#cores.delete(server);
    this.later(150, () => {
      if (!this.#cores.has(server)) this.startReplica(server);
    });
  }

  #step(server: string, input: StateReplicaInput | ExecutionServerInput): void {
    const core = this.#cores.get(server);
    if (core) this.#perform(server, core.step(input as never));
  }

  #perform(server: string, effects: readonly (StateReplicaEffect | ExecutionServerEffect)[]): void {
    const life = this.#lives.get(server);
    const answer = (input: () => StateReplicaInput | ExecutionServerInput) =>
      this.later(1 + Math.floor(this.random() * 5), () => {
        if (this.#lives.get(server) === life) this.#step(server, input());
      });
    for (const effect of effects) {
      if (effect.kind === "send") this.transmit(server, effect.to, effect.message);
      else if (effect.kind === "append") this.journals.get(server)?.push(effect.record);
      else if (effect.kind === "readRecord") {
        const { number, token } = effect;
        const record = this.journals.get(server)?.[number];
        answer(() => ({ kind: "recordRead", number, token, record, now: this.now, wall: this.now }));
      } else if (effect.kind === "test") {
        const { test } = effect;
        const verdict = judge(effect);
        answer(() => ({ kind: "tested", test, verdict, now: this.now, wall: this.now }));
      } else if (effect.kind === "execute") {
        const result = execute(effect);
        answer(() => ({ kind: "finished", ...result, now: this.now, wall: this.now }));
      }
    }
  }

  /** Runs until nothing but timers goes on for a while, or the limit. */
  run(until: number, done: () => boolean = () => false): void {
    while (this.now < until && !done()) {
      this.now++;
      const due = this.#queue.filter((pending) => pending.at <= this.now);
      this.#queue = this.#queue.filter((pending) => pending.at > this.now);
      for (const { run } of due) run();
      for (const [server, core] of [...this.#cores])
        if (core.wakeAt !== undefined && core.wakeAt <= this.now)
          this.#step(server, { kind: "tick", now: this.now, wall: this.now });
    }
  }

  submit(make: Request["make"]): void {
    this.requests.push({ make, attempt: 0, epoch: 0, ticket: undefined });
    this.regulate();
  }

  /** Dispatches what is not under way in the current settlement, repeats what is. */
  regulate(): void {
    const { master } = this;
    if (!master || master.settledEpoch !== master.epoch || master.epoch === 0) return;
    for (const request of this.requests) {
      const id = request.ticket?.ticket.body.requestId;
      if (id && (master.outcomes.has(id) || this.#isSurvivor(id))) continue;
      if (request.epoch === master.settledEpoch) continue;
      request.attempt++;
      request.epoch = master.settledEpoch;
      request.ticket = request.make(request.attempt, master.settledEpoch, master.holder);
      this.#dispatch(request.ticket, master.holder);
    }
  }

  #isSurvivor(requestId: string): boolean {
    const last = this.master.slots
      .flatMap((slot) => slot.decisions)
      .findLast((decision) => decision.kind === "settled");
    return last?.kind === "settled" && last.survivors.some((name) => name.requestId === requestId);
  }

  #dispatch({ ticket, input }: Order, holder: string): void {
    if (this.master.outcomes.has(ticket.body.requestId) || ticket.body.clusters[0]?.epoch !== this.master.epoch) return;
    this.transmit(REGULATOR, holder, { kind: "dispatch", ticket, input, disposable: false });
    this.later(400, () => this.#dispatch({ ticket, input }, holder));
  }

  #answered(from: string, message: ToTrafficRegulator): void {
    if (message.kind === "executionFailed" && this.master.settledEpoch === this.master.epoch) {
      const mine = this.requests.find(
        (request) => request.ticket?.ticket.body.requestId === message.requestId && request.attempt === message.attempt,
      );
      if (mine && !this.master.outcomes.has(message.requestId)) this.master.openEpoch(this.master.holder);
    } else if (message.kind === "answer" && message.durable && !message.known) {
      const candidate = this.#candidates.get(message.changeDigest) ?? { answer: message, passed: new Map() };
      this.#candidates.set(message.changeDigest, candidate);
      candidate.passed.set(from, candidate.passed.get(from) || message.verdict?.kind === "pass");
      this.#release();
    }
  }

  /** docs/PROTOCOL.md §3.4, all members well. */
  #release(): void {
    for (let progress = true; progress; ) {
      progress = false;
      for (const [digest, { answer, passed }] of this.#candidates) {
        const passes = [...passed.values()].filter(Boolean).length;
        const follows = answer.follows.every(
          (parent) => this.master.verified.has(parent) || this.#releasedChanges.has(parent),
        );
        if (passed.size < MEMBERS.length || passes < 2 || !follows) continue;
        this.#candidates.delete(digest);
        this.released.set(answer.requestId, digest);
        this.#releasedChanges.add(digest);
        progress = true;
      }
    }
  }
}

export const transfer =
  (from: number, to: number, amount: number, key: string): Request["make"] =>
  (attempt, epoch, executionServer) =>
    order({ from, to, amount }, { key, attempt, epoch, executionServer });

export const genesis =
  (numbers: readonly number[]): Request["make"] =>
  (attempt, epoch, executionServer) =>
    genesisOrder(
      numbers.map((number) => `account/${number}`),
      { attempt, epoch, executionServer, key: "genesis" },
    );
