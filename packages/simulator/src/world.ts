/**
 * One seed, one world: the real cores of a whole cluster in virtual time, with clients, a scripted manager, a faulty
 * network, crashing hosts and intruders. Nothing in here decides what is right; it only lets things happen and writes
 * down what can be seen from outside.
 */
import type { Adversary, SeededAdversaryFactory } from "@redoubt/adversary";
import type {
  AcceptanceTestEffect,
  ApplyEffect,
  Hasher,
  SendEffect,
  StateMaster,
  StateMasterEffect,
} from "@redoubt/protocol";
import {
  type AnyMessage,
  type Component,
  type Decision,
  MAY_SEND,
  OBJECT_CLUSTERS,
  type RequestId,
  type ServerName,
} from "@redoubt/shared";
import { canonical } from "./bank.ts";
import { type ClientPlan, type Response, SimulatedClient } from "./clients.ts";
import { buildCluster, type ClusterShape, type SimulatedCluster, type WrapCore } from "./cluster.ts";
import { FaultInjector } from "./fault-injector.ts";
import type { FaultPlan } from "./faults.ts";
import { Host, type HostEffect } from "./host.ts";
import { Intruders } from "./intruders.ts";
import { SimulatedManager } from "./manager.ts";
import { MasterDatabases } from "./master-databases.ts";
import { type FaultCounts, Network } from "./network.ts";
import type { ClientOperation, Observation, StoredChange } from "./observation.ts";
import { QuarantineWatch } from "./quarantine-watch.ts";
import { type SeededRandom, seededRandom } from "./random.ts";
import { VirtualTime } from "./virtual-time.ts";
import { Witness } from "./witness.ts";
import { type ExecuteEffect, runExecution, runTest } from "./workers.ts";

const REGULATOR = "traffic-regulator-1";
const MANAGER = "configuration-manager-1";
/** Labels and re-propagation come to rest within this time after the last answer. */
const REST_MS = 3_000;

export interface WorldPlan {
  readonly seed: number;
  readonly shape: ClusterShape;
  readonly clients: readonly ClientPlan[];
  readonly faults: FaultPlan | undefined;
  readonly safetyPhaseMs: number;
  /** Virtual time within which everything must be answered after healing. */
  readonly livenessPhaseMs: number;
  /** What has taken over the process that runs as this server in this life of it, if anything: one behaviour, or several at once. */
  readonly behavioursOf: (server: ServerName, life: number) => readonly SeededAdversaryFactory[];
  /** Whether those of one process come and go instead of being at work all the time. */
  readonly changing?: boolean;
  /** What starting a worker for one execution takes. */
  readonly disposableStartMs?: number;
  /** Whether so many processes lie in shadow runs that an innocent client may be blocked (ADR 0004). */
  readonly mayFrame?: boolean;
  /** Misbehaviours that the health monitor notices: their processes are started again when everything is healed. */
  readonly noticed: ReadonlySet<string>;
  readonly faultyReplicas: ReadonlySet<ServerName>;
  /** Those of them that are in league with the captured execution servers. */
  readonly accomplices?: ReadonlySet<ServerName>;
  readonly hasher: Hasher;
  readonly wrapCore?: WrapCore;
}

export class World {
  readonly counts: FaultCounts = {};
  readonly clients: SimulatedClient[] = [];
  readonly time = new VirtualTime();
  readonly #network: Network;
  readonly #random: SeededRandom;
  readonly #plan: WorldPlan;
  readonly #hosts = new Map<ServerName, Host>();
  readonly #cluster: SimulatedCluster;
  readonly #manager: SimulatedManager;
  readonly #injector: FaultInjector;
  readonly #intruders: Intruders;
  readonly #witness: Witness;
  readonly #databases: MasterDatabases;
  readonly #quarantines = new QuarantineWatch();
  readonly #waiting = new Map<string, SimulatedClient>();
  /** Holder of the leases by the newest epoch any master has decided. */
  #holding: { readonly epoch: number; readonly holder: ServerName } = { epoch: 0, holder: "" };
  #operationId = 0;
  #isHealed = false;

  constructor(plan: WorldPlan) {
    this.#plan = plan;
    this.#random = seededRandom(plan.seed);
    this.#intruders = new Intruders(this.#random.fork("lies"), plan.accomplices ?? [], (kind) => this.#count(kind));
    this.#network = new Network(this.#random.fork("network"), this.counts);
    const clientNames = [...new Set(plan.clients.map(({ name, principal }) => principal ?? name))];
    this.#cluster = buildCluster(plan.shape, plan.hasher, this.#random.fork("cores"), clientNames, plan.wrapCore);
    for (const host of this.#cluster.hosts) this.#addHost(host);
    const replicas = [...this.#hosts.values()].filter(({ component }) => component === "state-replica");
    const { faultsTolerated } = plan.shape;
    this.#witness = new Witness(plan.hasher, this.#cluster.changesOn, () => replicas, faultsTolerated);
    this.#manager = new SimulatedManager(this.#cluster.manager, this.#random.fork("manager"), {
      later: (delay, run) => this.time.later(delay, run),
      sendToRegulator: (message) =>
        this.#transmit(MANAGER, "configuration-manager", REGULATOR, "traffic-regulator", message),
      replace: (server, after, started) => this.#replace(server, after, started),
      versionChosen: () => this.#count("versionsChosen"),
      fact: (fact) => {
        this.#count(`fact:${fact.kind}`);
        if ("server" in fact && this.#intruders.isInnocent(fact.server)) this.#witness.toldOfInnocent(fact);
      },
      releases: (requestId) => {
        this.#count("releasesOrdered");
        this.#quarantines.released(requestId);
      },
    });
    this.#databases = new MasterDatabases(
      {
        later: (delay, run) => this.time.later(delay, run),
        rowsAfter: (server) => (this.host(server).core as unknown as Partial<StateMaster>).status?.().rowsAfter ?? 0,
        deliver: (server, input) => this.#deliver(server, input),
      },
      this.#random.fork("databases"),
    );
    this.#injector = new FaultInjector({
      network: this.#network,
      hosts: this.#hosts,
      later: (delay, run) => this.time.later(delay, run),
      count: (kind) => this.#count(kind),
      wantMembers: (count) => this.#manager.wantMembers(count),
      diskLost: (server) => {
        this.#witness.diskLost(server);
        this.#cluster.journalLost(server);
        this.#databases.lost(server);
      },
      databaseLost: (server, forMs, comesBack) => this.#databases.fail(server, forMs, comesBack),
      start: (host) => this.#startHost(host),
      executionServerDied: (server) => this.#manager.executionServerDied(server),
      moveLeases: (forMs) => {
        if (this.#holding.holder !== "") this.#manager.withhold(this.#holding.holder, forMs);
      },
    });
    plan.clients.forEach((client, index) => {
      this.clients.push(this.#makeClient(client, `127.9.0.${index + 1}`));
    });
  }

  #makeClient(plan: WorldPlan["clients"][number], address: string): SimulatedClient {
    return new SimulatedClient(plan, address, this.#random.fork(plan.name), {
      now: () => this.time.now,
      later: (delay, run) => this.time.later(delay, run),
      submit: (exchange, from, operation) => this.#submit(exchange, from, operation),
      nextId: () => ++this.#operationId,
    });
  }

  /** For looking into a run by hand. */
  host(server: ServerName): Host {
    const host = this.#hosts.get(server);
    if (!host) throw new Error(`no host ${server}`);
    return host;
  }

  /** Runs the safety phase, heals, and runs until everybody has an answer (or time is up). */
  run(): void {
    const { faults, safetyPhaseMs, livenessPhaseMs } = this.#plan;
    for (const host of this.#hosts.values()) this.#startHost(host);
    this.#manager.start();
    for (const client of this.clients) this.time.later(this.#random.between(1, 50), () => client.next());
    if (faults) this.#injector.schedule(faults);
    this.time.later(safetyPhaseMs / 2, () => this.#witness.takeSnapshot());
    this.time.runUntil(safetyPhaseMs, () => false);
    this.#witness.takeSnapshot();
    this.#isHealed = true;
    for (const host of this.#hosts.values()) if (this.#isNoticed(this.#intruders.of(host.server))) host.crash("killed");
    this.#injector.heal();
    this.time.runUntil(this.time.now + livenessPhaseMs, () => this.clients.every((client) => client.done));
    this.time.runUntil(this.time.now + REST_MS, () => false);
    for (const { disk } of this.#hosts.values()) this.#count("recordsRepaired", disk.repairs);
  }

  observation(): Observation {
    this.#witness.takeSnapshot();
    const stored = new Map<ServerName, StoredChange[]>();
    for (const host of this.#hosts.values()) {
      if (host.component === "state-replica") stored.set(host.server, this.#cluster.changesOn(host.disk.records));
    }
    return {
      operations: this.clients.flatMap((client) => client.history),
      decisions: this.#witness.decisions,
      versionRows: this.#witness.versionRows,
      releases: this.#witness.releases,
      rejections: this.#witness.rejections,
      closings: this.#witness.closings,
      accusations: this.#witness.accusations,
      snapshots: this.#witness.snapshots,
      lostDisks: this.#witness.lostDisks,
      stored,
      faultyReplicas: this.#plan.faultyReplicas,
      mayFrame: this.#plan.mayFrame ?? false,
      executionsAfterRejection: this.#quarantines.executionsAfterRejection,
      digestReply: (status, text) => this.#cluster.digestReplyBody(status, text),
      hasher: this.#plan.hasher,
    };
  }

  #addHost(plan: SimulatedCluster["hosts"][number]): void {
    const surroundings = {
      now: () => this.time.now,
      later: (delay: number, run: () => void) => this.time.later(delay, run),
      send: (from: Host, effect: SendEffect) => this.#send(from, effect),
      perform: (from: Host, effect: HostEffect) => this.#perform(from, effect),
    };
    this.#hosts.set(plan.server, new Host(plan, surroundings, this.#random.fork(plan.server)));
  }

  #startHost(host: Host): void {
    if (host.life > 0) this.#count("restarts");
    // Where a start has to read what is damaged, the replica gives up what follows and goes on as somebody new.
    if (host.disk.isUnreadable) this.#count("disksGivenUp");
    if (host.disk.hasDamage) this.#witness.diskLost(host.server);
    const intruder = this.#intruderOf(host, host.life + 1);
    this.#intruders.enter(host.server, this.#isHealed && this.#isNoticed(intruder) ? undefined : intruder);
    // A master tells its decisions again from its checkpoint on; what it told before a crash is compared too.
    if (host.component === "state-master") this.#witness.masterStarted(`${host.server}/${host.life + 1}`);
    host.start();
    if (host.component === "state-master") this.#databases.started(host.server);
  }

  #intruderOf(host: Host, life: number): Adversary | undefined {
    const { server, component } = host;
    return this.#intruders.compose(this.#plan.behavioursOf(server, life), this.#plan.changing ?? false, {
      ...this.#cluster.toolsOf(server),
      send: (to, receiver, message) => this.#transmit(server, component, to, receiver, message),
      die: () => this.time.later(0, () => this.#end(server)),
      later: (delayMs, run) =>
        this.time.later(delayMs, () => {
          if (host.running && host.life === life) run();
        }),
    });
  }

  get compositions(): FaultCounts {
    return this.#intruders.compositions;
  }

  /** An execution server's process ends by itself. */
  #end(server: ServerName): void {
    const host = this.host(server);
    if (!host.running) return;
    host.crash("killed");
    this.#manager.executionServerDied(server);
  }

  #isNoticed(adversary: Adversary | undefined): boolean {
    return adversary?.id.split("+").some((id) => this.#plan.noticed.has(id)) ?? false;
  }

  #send(from: Host, effect: SendEffect): void {
    for (const message of this.#intruders.bend(from.server, effect.to, effect.message)) {
      if (message.kind === "gap") this.#count("gapReports");
      this.#transmit(from.server, from.component, effect.to, effect.component, message);
    }
  }

  #transmit(from: ServerName, component: Component, to: ServerName, receiver: Component, message: AnyMessage): void {
    // Links close on what the table does not allow (DESIGN §10); here the message alone is lost.
    if (!MAY_SEND[receiver]?.[component]?.includes(message.kind)) {
      this.#count("refusedByLinks");
      return;
    }
    if (this.#network.loses(message.kind)) return;
    for (const at of this.#network.arrivals(from, to, this.time.now)) {
      this.time.at(at, () => {
        if (to === MANAGER) this.#manager.receive(message);
        else {
          for (const heard of this.#intruders.hear(to, from, message))
            this.#deliver(to, { kind: "message", from: { component, server: from }, message: heard });
        }
      });
    }
  }

  #deliver(to: ServerName, input: { readonly kind: string } & Record<string, unknown>): void {
    this.#hosts.get(to)?.deliver(input);
  }

  #perform(from: Host, effect: HostEffect): void {
    const life = from.life;
    const reply = (delay: number, input: { readonly kind: string } & Record<string, unknown>): void => {
      this.time.later(delay, () => {
        if (from.life === life) from.deliver(input);
      });
    };
    switch (effect.kind) {
      case "execute": {
        const execute = effect as ExecuteEffect;
        this.#quarantines.executed(execute.requestId, this.time.now);
        const { server } = from;
        const startMs = execute.disposable ? (this.#plan.disposableStartMs ?? 0) : 0;
        reply(
          startMs + this.#random.between(0.1, 4),
          runExecution(execute, this.#intruders.of(server), this.#intruders.lootOf(server)),
        );
        return;
      }
      case "test": {
        const test = effect as AcceptanceTestEffect;
        reply(this.#random.between(0.05, 1), { kind: "tested", test: test.test, verdict: runTest(test) });
        return;
      }
      case "respond":
        this.#respond(effect as unknown as RespondEffect);
        return;
      case "apply": {
        const applied = effect as unknown as ApplyEffect;
        this.#witness.applied(`${from.server}/${life}`, applied);
        this.#databases.apply(from.server, applied);
        for (const decision of applied.decisions) this.#noteDecision(decision);
        return;
      }
      case "cutJournal":
        this.#count("journalCuts");
        from.disk.allowCut((effect as Extract<StateMasterEffect, { kind: "cutJournal" }>).before);
        return;
      case "lookupSlots":
        this.#databases.lookUp(from.server, effect as Extract<StateMasterEffect, { kind: "lookupSlots" }>);
    }
  }

  #noteDecision(decision: Decision): void {
    if (decision.kind !== "epochOpened" || decision.epoch <= this.#holding.epoch) return;
    const { epoch, holder, clusters } = decision;
    this.#count("epochChanges");
    const [range] = clusters;
    if (range && (range.from > 0 || range.to < OBJECT_CLUSTERS - 1)) this.#count("leaseSplits");
    if (this.#holding.holder !== "" && this.#holding.holder !== holder) this.#count("leaseMoves");
    this.#holding = { epoch, holder };
  }

  #submit(exchange: string, client: SimulatedClient, operation: ClientOperation): void {
    this.#waiting.set(exchange, client);
    const { principal, address } = client;
    const { input } = operation;
    const text = canonical(input);
    const { operation: kind, key } = operation;
    operation.requestId = this.#cluster.requestIdOf(principal, key, kind, text);
    const admission = this.#cluster.admission(exchange, principal, address, kind, key, text);
    this.time.later(this.#random.between(0.05, 0.5), () => this.#hosts.get(REGULATOR)?.deliver(admission));
  }

  #respond({ exchange, status, headers, bodyText }: RespondEffect): void {
    const client = this.#waiting.get(exchange);
    this.#waiting.delete(exchange);
    const requestId = Object.entries(headers).find(([name]) => name.toLowerCase() === "redoubt-request-id")?.[1];
    if (status === 403 && requestId) {
      const wasExecuted = this.#quarantines.rejected(requestId, this.time.now);
      if (wasExecuted) this.#witness.rejected(requestId as RequestId, this.time.now);
    }
    if (status === 202 && requestId) {
      this.#count("toldHeld");
      this.#quarantines.held(requestId, this.time.now);
    }
    if ((status === 200 || status === 422) && requestId)
      this.#witness.released(requestId as RequestId, status, bodyText, this.time.now);
    const response: Response = { status, replyText: bodyText };
    this.time.later(this.#random.between(0.05, 0.5), () => client?.answered(exchange, response));
  }

  #replace(server: ServerName, afterMs: number, started: (incarnation: string) => void): void {
    const host = this.host(server);
    if (host.running) host.crash("killed");
    const { life } = host;
    this.time.later(afterMs, () => {
      if (host.running || host.life !== life) return;
      this.#startHost(host);
      started(`${server}/${host.life}`);
    });
  }

  #count(kind: string, times = 1): void {
    if (times > 0) this.counts[kind] = (this.counts[kind] ?? 0) + times;
  }
}

interface RespondEffect {
  readonly exchange: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyText: string;
}
