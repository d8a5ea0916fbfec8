/**
 * One seed, one world: the real cores of a whole cluster in virtual time, with clients, a scripted manager, a faulty
 * network, crashing hosts and Byzantine execution servers. Nothing in here decides what is right; it only lets things
 * happen and writes down what can be seen from outside.
 */
import type { Adversary, AdversaryFactory } from "@redoubt/adversary";
import type { AcceptanceTestEffect, Hasher, SendEffect } from "@redoubt/protocol";
import type {
  AnyMessage,
  ChangeRecord,
  Component,
  Digest,
  RequestId,
  ServerName,
  SlotDecisions,
} from "@redoubt/shared";
import { componentOf } from "@redoubt/shared";
import { canonical } from "./bank.ts";
import { type Response, SimulatedClient } from "./clients.ts";
import { buildCluster, type ClusterShape, type SimulatedCluster } from "./cluster.ts";
import { EventQueue } from "./event-queue.ts";
import type { FaultEvent, FaultPlan } from "./faults.ts";
import { Host, type HostEffect } from "./host.ts";
import { SimulatedManager } from "./manager.ts";
import { type FaultCounts, Network } from "./network.ts";
import type { ClientOperation, Observation, StoredChange } from "./observation.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { type ExecuteEffect, runExecution, runTest } from "./workers.ts";

const REGULATOR = "traffic-regulator-1";
const MANAGER = "configuration-manager-1";
/** Orders that were already under way when a request was rejected may still arrive within this time. */
const REJECTION_SETTLES_MS = 500;

export interface WorldPlan {
  readonly seed: number;
  readonly shape: ClusterShape;
  readonly clients: readonly {
    readonly name: string;
    readonly operations: number;
    readonly attacks: readonly ("plunder" | "crash")[];
  }[];
  readonly faults: FaultPlan | undefined;
  readonly safetyPhaseMs: number;
  /** Virtual time within which everything must be answered after healing. */
  readonly livenessPhaseMs: number;
  /** What has taken over the process that runs as this execution server in this life of it, if anything. */
  readonly adversaryOf: (server: ServerName, life: number, random: SeededRandom) => AdversaryFactory | undefined;
  readonly hasher: Hasher;
}

export class World {
  readonly counts: FaultCounts = {};
  readonly network: Network;
  readonly random: SeededRandom;
  readonly clients: SimulatedClient[] = [];
  readonly adversaries = new Map<string, number>();
  events = 0;
  now = 0;
  readonly #plan: WorldPlan;
  readonly #queue = new EventQueue<() => void>();
  readonly #hosts = new Map<ServerName, Host>();
  readonly #cluster: SimulatedCluster;
  readonly #manager: SimulatedManager;
  readonly #decisions = new Map<ServerName, SlotDecisions[]>();
  readonly #rejectedAt = new Map<string, number>();
  readonly #executionsAfterRejection: RequestId[] = [];
  readonly #compromised = new Map<ServerName, Adversary | undefined>();
  readonly #loot = new Map<ServerName, Map<string, string>>();
  readonly #waiting = new Map<string, SimulatedClient>();
  #operationId = 0;

  constructor(plan: WorldPlan) {
    this.#plan = plan;
    this.random = seededRandom(plan.seed);
    this.network = new Network(this.random.fork("network"), this.counts);
    this.#cluster = buildCluster(
      plan.shape,
      plan.hasher,
      this.random.fork("cores"),
      plan.clients.map((client) => client.name),
    );
    for (const host of this.#cluster.hosts) this.#addHost(host);
    this.#manager = new SimulatedManager(this.#cluster.manager, this.random.fork("manager"), {
      later: (delay, run) => this.later(delay, run),
      sendToRegulator: (message) => this.#transmit(MANAGER, "configuration-manager", REGULATOR, message),
      replace: (server, after, started) => this.#replace(server, after, started),
      fact: (fact) => this.#count(`fact:${fact.kind}`),
    });
    plan.clients.forEach((client, index) => {
      this.clients.push(
        new SimulatedClient(client, `127.9.0.${index + 1}`, this.random.fork(client.name), {
          now: () => this.now,
          later: (delay, run) => this.later(delay, run),
          submit: (exchange, from, operation) => this.#submit(exchange, from, operation),
          nextId: () => ++this.#operationId,
        }),
      );
    });
  }

  later(delayMs: number, run: () => void): void {
    this.#queue.put(this.now + delayMs, run);
  }

  host(server: ServerName): Host {
    const host = this.#hosts.get(server);
    if (!host) throw new Error(`no host ${server}`);
    return host;
  }

  /** Runs the safety phase, heals, and runs until everybody has an answer (or time is up). */
  run(): void {
    for (const host of this.#hosts.values()) this.#startHost(host);
    this.#manager.start();
    for (const client of this.clients) this.later(this.random.between(1, 50), () => client.next());
    if (this.#plan.faults) this.#scheduleFaults(this.#plan.faults);
    this.#runUntil(this.#plan.safetyPhaseMs, () => false);
    this.#heal();
    const limit = this.now + this.#plan.livenessPhaseMs;
    this.#runUntil(limit, () => this.clients.every((client) => client.done));
    // Labels and re-propagation come to rest.
    this.#runUntil(this.now + 3_000, () => false);
  }

  observation(): Observation {
    const stored = new Map<ServerName, StoredChange[]>();
    for (const host of this.#hosts.values()) {
      if (host.component === "state-replica") stored.set(host.server, this.#cluster.changesOn(host.disk));
    }
    return {
      operations: this.clients.flatMap((client) => client.history),
      decisions: this.#decisions,
      stored,
      faultyReplicas: new Set(),
      executionsAfterRejection: this.#executionsAfterRejection,
      digestReply: (status, text) => this.#cluster.digestReplyBody(status, text),
    };
  }

  #runUntil(limit: number, done: () => boolean): void {
    while (!done()) {
      const next = this.#queue.take();
      if (!next) return;
      if (next.at > limit) {
        this.#queue.put(next.at, next.event);
        this.now = limit;
        return;
      }
      this.now = next.at;
      this.events += 1;
      next.event();
    }
  }

  #addHost(plan: SimulatedCluster["hosts"][number]): void {
    const host = new Host(
      plan,
      {
        now: () => this.now,
        later: (delay, run) => this.later(delay, run),
        send: (from, effect) => this.#send(from, effect),
        perform: (from, effect) => this.#perform(from, effect),
      },
      this.random.fork(plan.server),
    );
    this.#hosts.set(plan.server, host);
  }

  #startHost(host: Host): void {
    if (host.life > 0) this.#count("restarts");
    if (host.component === "execution-server") {
      const life = host.life + 1;
      const factory = this.#plan.adversaryOf(host.server, life, this.random.fork(`${host.server}/${life}`));
      const adversary = factory?.(this.#cluster.toolsOf(host.server));
      this.#compromised.set(host.server, adversary);
      this.#loot.set(host.server, new Map());
      if (adversary) this.adversaries.set(adversary.id, (this.adversaries.get(adversary.id) ?? 0) + 1);
    }
    if (host.component === "state-master") this.#decisions.set(host.server, []);
    host.start();
  }

  #send(from: Host, effect: SendEffect): void {
    const messages = this.#compromised.get(from.server)?.bendMessage?.(effect.to, effect.message) ?? [effect.message];
    for (const message of messages) this.#transmit(from.server, from.component, effect.to, message);
  }

  #transmit(from: ServerName, component: Component, to: ServerName, message: AnyMessage): void {
    const arrivals = this.network.arrivals(from, to, this.now);
    for (const at of arrivals) {
      this.#queue.put(at, () => {
        if (to === MANAGER) this.#manager.receive(message);
        else
          this.#hosts
            .get(to)
            ?.deliver({ kind: "message", from: { component, server: from }, message } as { kind: string });
      });
    }
  }

  #perform(from: Host, effect: HostEffect): void {
    const life = from.life;
    const reply = (delay: number, input: { readonly kind: string }): void => {
      this.later(delay, () => {
        if (from.life === life) from.deliver(input);
      });
    };
    switch (effect.kind) {
      case "execute": {
        const execute = effect as ExecuteEffect;
        this.#noteExecution(execute.requestId);
        reply(
          this.random.between(0.1, 4),
          runExecution(execute, this.#compromised.get(from.server), this.#loot.get(from.server) ?? new Map()),
        );
        return;
      }
      case "test": {
        const test = effect as AcceptanceTestEffect;
        reply(this.random.between(0.05, 1), { kind: "tested", test: test.test, verdict: runTest(test) } as {
          kind: string;
        });
        return;
      }
      case "respond":
        this.#respond(
          effect as unknown as { exchange: string; status: number; headers: Record<string, string>; bodyText: string },
        );
        return;
      case "apply": {
        const { slot, at, decisions } = effect as unknown as SlotDecisions;
        const stream = this.#decisions.get(from.server);
        stream?.push({ slot, at, decisions });
        for (const decision of decisions) if (decision.kind === "epochOpened") this.#count("epochChanges");
      }
    }
  }

  #noteExecution(requestId: RequestId): void {
    const rejectedAt = this.#rejectedAt.get(requestId);
    if (rejectedAt !== undefined && this.now > rejectedAt + REJECTION_SETTLES_MS)
      this.#executionsAfterRejection.push(requestId);
  }

  #submit(exchange: string, client: SimulatedClient, operation: ClientOperation): void {
    this.#waiting.set(exchange, client);
    operation.requestId = this.#cluster.requestIdOf(client.name, operation.input.stamp, canonical(operation.input));
    const input = this.#cluster.admission(
      exchange,
      client.name,
      client.address,
      operation.operation,
      operation.input.stamp,
      canonical(operation.input),
    );
    this.later(this.random.between(0.05, 0.5), () => this.#hosts.get(REGULATOR)?.deliver(input));
  }

  #respond(effect: { exchange: string; status: number; headers: Record<string, string>; bodyText: string }): void {
    const client = this.#waiting.get(effect.exchange);
    this.#waiting.delete(effect.exchange);
    const requestId = Object.entries(effect.headers).find(([name]) => name.toLowerCase() === "redoubt-request-id")?.[1];
    if (effect.status === 403 && requestId) this.#rejectedAt.set(requestId, this.now);
    const response: Response = { status: effect.status, replyText: effect.bodyText };
    this.later(this.random.between(0.05, 0.5), () => client?.answered(effect.exchange, response));
  }

  #replace(server: ServerName, afterMs: number, started: (incarnation: string) => void): void {
    const host = this.host(server);
    host.crash();
    const life = host.life;
    this.later(afterMs, () => {
      if (host.running || host.life !== life) return;
      this.#startHost(host);
      started(`${server}/${host.life}`);
    });
  }

  #scheduleFaults(plan: FaultPlan): void {
    this.network.faults = plan.network;
    for (const event of plan.events) this.later(event.atMs, () => this.#inject(event));
  }

  #inject(event: FaultEvent): void {
    switch (event.kind) {
      case "crash":
        for (const server of event.servers) this.#crash(server, event.lastsMs);
        return;
      case "partition": {
        this.#count("partitions");
        const inside = new Set(event.side);
        const others = [...this.#hosts.keys()].filter((server) => !inside.has(server));
        for (const here of inside) {
          for (const there of others) {
            this.network.cut(here, there);
            if (!event.oneWay) this.network.cut(there, here);
          }
        }
        const faults = this.network.faults;
        this.later(event.lastsMs, () => {
          this.network.heal();
          this.network.faults = faults;
        });
        return;
      }
      case "slowDisk": {
        this.#count("slowDisks");
        const host = this.host(event.server);
        host.syncMs = event.syncMs;
        this.later(event.lastsMs, () => {
          host.syncMs = 0.2;
        });
      }
    }
  }

  #crash(server: ServerName, lastsMs: number): void {
    const host = this.host(server);
    if (!host.running) return;
    this.#count("crashes");
    if (componentOf(server) === "execution-server") {
      host.crash();
      this.#manager.executionServerDied(server);
      return;
    }
    host.crash();
    const life = host.life;
    this.later(lastsMs, () => {
      if (!host.running && host.life === life) this.#startHost(host);
    });
  }

  #heal(): void {
    this.network.heal();
    for (const host of this.#hosts.values()) {
      host.syncMs = 0.2;
      if (!host.running && host.component !== "execution-server") this.#startHost(host);
    }
  }

  #count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}

export type { ChangeRecord, Digest };
