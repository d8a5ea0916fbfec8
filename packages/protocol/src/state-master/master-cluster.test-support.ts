/**
 * Masters and scripted members in one room: real state master cores over a seeded network, members that do just what
 * the protocol asks of them and no more. Everything appended is durable at once (`paxos-network.test-support.ts` tests
 * what is not); a crash loses all memory and what was under way to the crashed master.
 */
import type {
  AnyMessage,
  Decision,
  Digest,
  RequestId,
  ServerName,
  Slot,
  SlotDecisions,
  ToStateMaster,
  ToStateReplica,
  ToTrafficRegulator,
} from "@redoubt/shared";
import type { Random, Sender } from "../core.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { HOLDER, MEMBERS, type TestChange } from "./changes.test-support.ts";
import { createStateMaster } from "./index.ts";
import { seededRandom } from "./paxos/paxos-network.test-support.ts";
import type {
  ApplyEffect,
  StateMaster,
  StateMasterConfiguration,
  StateMasterEffect,
  StateMasterInput,
  StateMasterRecord,
} from "./types.ts";

export const MASTERS: readonly ServerName[] = ["state-master-1", "state-master-2", "state-master-3"];
export const REGULATOR: Sender = { component: "traffic-regulator", server: "traffic-regulator-1" };

interface MasterHost {
  readonly server: ServerName;
  core: StateMaster | undefined;
  durable: StateMasterRecord[];
  applied: ApplyEffect[];
  /** What its database holds, in slot order. */
  database: ApplyEffect[];
  isDatabaseUp: boolean;
  databaseAt: number;
  identity: string | undefined;
}

interface Flight {
  readonly at: number;
  readonly order: number;
  readonly from: Sender;
  readonly to: Sender;
  readonly message: AnyMessage;
}

/** A member: accepts what the test gives it, reports it until labelled, promises, fences, follows. */
export class ScriptedMember {
  readonly server: ServerName;
  isSilent = false;
  /** Undecided changes in the order accepted. */
  held: TestChange[] = [];
  readonly fenced = new Set<RequestId>();
  /** False: reports without a verdict. */
  tests = true;
  appliedThrough: Slot = 0;
  readonly decisions: Decision[] = [];
  readonly acknowledged = new Set<Digest>();
  promisedEpoch = 0;
  readonly #cluster: MasterCluster;
  #heardAt = Number.NEGATIVE_INFINITY;
  #reportAt = 0;

  constructor(cluster: MasterCluster, server: ServerName) {
    this.#cluster = cluster;
    this.server = server;
  }

  /** False when a fence or a promise forbids it. */
  accept(change: TestChange): boolean {
    if (this.fenced.has(change.change.requestId)) return false;
    if (change.change.links.some(({ epoch }) => epoch < this.promisedEpoch)) return false;
    this.held.push(change);
    this.#reportAt = 0;
    return true;
  }

  tick(): void {
    const { now } = this.#cluster;
    if (now >= this.#heardAt + 300) {
      this.#heardAt = now;
      this.#tellMasters({ kind: "follow", after: this.appliedThrough, restarted: false });
    }
    if (this.held.length === 0 || now < this.#reportAt) return;
    this.#reportAt = now + 200;
    const verdict = this.tests ? { verdict: { kind: "pass" } as const } : {};
    const changes = this.held.map(({ summary, digest }) => ({ digest, summary, durable: true, ...verdict }));
    this.#tellMasters({ kind: "report", changes });
  }

  receive(from: ServerName, message: ToStateReplica): void {
    if (message.kind === "stream") {
      this.#heardAt = this.#cluster.now;
      if (message.after > this.appliedThrough) this.#heardAt = Number.NEGATIVE_INFINITY;
      else for (const slot of message.slots) this.#apply(slot);
      if (message.after <= this.appliedThrough) this.appliedThrough = Math.max(this.appliedThrough, message.through);
    } else if (message.kind === "promise") {
      this.promisedEpoch = Math.max(this.promisedEpoch, message.epoch);
      const { epoch, clusters } = message;
      const undecided = this.held.filter(({ summary }) => !summary.ticket.readOnly).map(({ summary }) => summary);
      this.#tell(from, { kind: "promised", epoch, clusters, undecided, appliedThrough: this.appliedThrough });
    } else if (message.kind === "fence") {
      const { requestId, home } = message;
      const hasRecord = this.held.some(({ change }) => change.requestId === requestId);
      if (!hasRecord) this.fenced.add(requestId);
      this.#tell(from, { kind: "fenced", requestId, home, hasRecord });
    } else if (message.kind === "reported") {
      for (const digest of message.digests) this.acknowledged.add(digest);
    }
  }

  #apply({ slot, decisions }: SlotDecisions): void {
    if (slot <= this.appliedThrough) return;
    this.appliedThrough = slot;
    for (const decision of decisions) {
      this.decisions.push(decision);
      if (decision.kind === "verified") {
        this.held = this.held.filter(({ digest }) => digest !== decision.change.digest);
      } else if (decision.kind === "settled") {
        const newer = this.held.filter(({ change }) => change.links.every(({ epoch }) => epoch >= decision.epoch));
        this.held = [...decision.survivors.map(({ digest }) => this.#cluster.change(digest)), ...newer];
      }
    }
  }

  #tell(master: ServerName, message: ToStateMaster): void {
    this.#cluster.transmit({ component: "state-replica", server: this.server }, master, message);
  }

  #tellMasters(message: ToStateMaster): void {
    for (const master of MASTERS) this.#tell(master, message);
  }
}

export class MasterCluster {
  now = 0;
  readonly random: Random;
  readonly members: ReadonlyMap<ServerName, ScriptedMember>;
  readonly masters: ReadonlyMap<ServerName, MasterHost>;
  readonly toRegulator: ToTrafficRegulator[] = [];
  readonly sent: AnyMessage[] = [];
  lossRate = 0;
  #flights: Flight[] = [];
  #order = 0;
  readonly #changes = new Map<Digest, TestChange>();

  /** With a window the masters have databases, too. */
  readonly #options: Pick<StateMasterConfiguration, "window">;

  constructor(seed: number, options: Pick<StateMasterConfiguration, "window"> = {}) {
    this.#options = options;
    this.random = seededRandom(seed);
    this.members = new Map(MEMBERS.map((server) => [server, new ScriptedMember(this, server)]));
    this.masters = new Map(
      MASTERS.map((server) => [
        server,
        {
          server,
          core: undefined,
          ...{ durable: [], applied: [], database: [], isDatabaseUp: true, databaseAt: 0, identity: undefined },
        } satisfies MasterHost,
      ]),
    );
    for (const server of MASTERS) this.startMaster(server);
  }

  member(index: number): ScriptedMember {
    return this.members.get(MEMBERS[index] as ServerName) as ScriptedMember;
  }

  core(server: ServerName): StateMaster | undefined {
    return this.masters.get(server)?.core;
  }

  change(digest: Digest): TestChange {
    const change = this.#changes.get(digest);
    if (!change) throw new Error(`the test made no change ${digest}`);
    return change;
  }

  /** Gives changes to members as an execution server would. */
  give(changes: readonly TestChange[], members: readonly number[] = [0, 1, 2]): void {
    for (const change of changes) {
      this.#changes.set(change.digest, change);
      for (const index of members) this.member(index).accept(change);
    }
  }

  startMaster(server: ServerName): void {
    const host = this.masters.get(server) as MasterHost;
    if (host.core) return;
    host.core = createStateMaster(
      { hasher: nodeHasher, random: this.random },
      {
        ...{ self: server, masters: MASTERS, ...this.#options, hasDatabase: this.#hasDatabases },
        ...(host.identity === undefined ? {} : { journalIdentity: host.identity }),
      },
    );
    host.applied = [];
    this.#step(host, { kind: "start", now: this.now, wall: this.now, durable: [...host.durable] });
  }

  get #hasDatabases(): boolean {
    return this.#options.window !== undefined;
  }

  /** Journal and database are gone. */
  wipeMaster(server: ServerName): void {
    this.crashMaster(server);
    const host = this.masters.get(server) as MasterHost;
    host.durable = [];
    host.database = [];
    host.identity = "journal 1";
  }

  restoreDatabase(server: ServerName, rows: number): void {
    const host = this.masters.get(server) as MasterHost;
    host.database = host.database.slice(0, rows);
    this.#tellDatabase(host);
  }

  stopDatabase(server: ServerName): void {
    const host = this.masters.get(server) as MasterHost;
    host.isDatabaseUp = false;
    this.#tellDatabase(host);
  }

  #tellDatabase(host: MasterHost): void {
    const appliedThrough = host.isDatabaseUp ? (host.database.at(-1)?.slot ?? 0) : undefined;
    if (host.core) this.#step(host, { kind: "database", now: this.now, wall: this.now, appliedThrough });
  }

  /** As the process around the core does: rows in order, those that are not here from a peer's database. */
  #runDatabase(host: MasterHost): void {
    if (!this.#hasDatabases || !host.isDatabaseUp || !host.core || this.now < host.databaseAt) return;
    host.databaseAt = this.now + 10;
    const last = () => host.database.at(-1)?.slot ?? 0;
    const missing = host.core.status().rowsAfter;
    const peer = [...this.masters.values()].find(({ database }) => (database.at(-1)?.slot ?? 0) > last());
    if (last() < missing && peer) {
      host.database.push(...peer.database.filter(({ slot }) => slot > last()).slice(0, 8));
    }
    for (const row of host.applied) if (row.previous === last()) host.database.push(row);
    this.#tellDatabase(host);
  }

  #lookUp(host: MasterHost, { to, after, limit }: Extract<StateMasterEffect, { kind: "lookupSlots" }>): void {
    const slots = host.database.filter(({ slot }) => slot > after).slice(0, limit);
    const found = host.isDatabaseUp
      ? {
          slots: slots.map(({ slot, at, decisions }) => ({ slot, at, decisions })),
          through: slots.at(-1)?.slot ?? after,
          prunedThrough: 0,
        }
      : undefined;
    this.#step(host, { kind: "slotsFound", now: this.now, wall: this.now, to, after, found });
  }

  crashMaster(server: ServerName): void {
    const host = this.masters.get(server) as MasterHost;
    host.core = undefined;
    this.#flights = this.#flights.filter(({ to }) => to.server !== server);
  }

  primary(): StateMaster | undefined {
    return [...this.masters.values()].find(({ core }) => core?.isPrimary)?.core;
  }

  primaryName(): ServerName | undefined {
    return [...this.masters.values()].find(({ core }) => core?.isPrimary)?.server;
  }

  fromRegulator(message: ToStateMaster): void {
    for (const master of MASTERS) this.transmit(REGULATOR, master, message);
  }

  transmit(from: Sender, to: ServerName, message: ToStateMaster): void {
    this.#fly(from, { component: "state-master", server: to }, message);
  }

  #fly(from: Sender, to: Sender, message: AnyMessage): void {
    this.sent.push(message);
    if (this.random() < this.lossRate) return;
    this.#flights.push({ at: this.now + 1 + Math.floor(this.random() * 5), order: this.#order++, from, to, message });
  }

  run(durationMs: number): void {
    const end = this.now + durationMs;
    while (this.now < end) {
      this.now += 1;
      const due = this.#flights.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at || a.order - b.order);
      this.#flights = this.#flights.filter(({ at }) => at > this.now);
      for (const flight of due) this.#deliver(flight);
      for (const member of this.members.values()) if (!member.isSilent) member.tick();
      for (const host of this.masters.values()) {
        this.#runDatabase(host);
        if (host.core && (host.core.wakeAt ?? Number.POSITIVE_INFINITY) <= this.now) {
          this.#step(host, { kind: "tick", now: this.now, wall: this.now });
        }
      }
    }
  }

  /** True when the condition came true within the time. */
  runUntil(condition: () => boolean, limitMs = 5000): boolean {
    const end = this.now + limitMs;
    while (this.now < end && !condition()) this.run(5);
    return condition();
  }

  #deliver({ from, to, message }: Flight): void {
    if (to.component === "state-replica") {
      const member = this.members.get(to.server);
      if (member && !member.isSilent) member.receive(from.server, message as ToStateReplica);
    } else if (to.component === "traffic-regulator") {
      this.toRegulator.push(message as ToTrafficRegulator);
    } else if (to.component === "state-master") {
      const host = this.masters.get(to.server);
      const input = {
        kind: "message",
        now: this.now,
        wall: this.now,
        from,
        message: message as ToStateMaster,
      } as const;
      if (host?.core) this.#step(host, input);
    }
  }

  #step(host: MasterHost, input: StateMasterInput): void {
    const self: Sender = { component: "state-master", server: host.server };
    for (const effect of host.core?.step(input) ?? []) this.#perform(host, self, effect);
  }

  #perform(host: MasterHost, self: Sender, effect: StateMasterEffect): void {
    if (effect.kind === "append") host.durable.push(effect.record);
    else if (effect.kind === "apply") host.applied.push(effect);
    else if (effect.kind === "lookupSlots") this.#lookUp(host, effect);
    else if (effect.kind === "send")
      this.#fly(self, { component: effect.component, server: effect.to }, effect.message);
  }

  // ---- what tests ask ----

  /** Opens an epoch for everything with the usual holder and members, and waits for its settlement. */
  openEpoch(wish: { readonly holder?: string; readonly epochMax?: number } = {}): number {
    const before = this.settledEpoch();
    const ask = () =>
      this.fromRegulator({
        kind: "requestEpoch",
        clusters: [{ from: 0, to: 1023 }],
        epochMax: wish.epochMax ?? before,
        holder: wish.holder ?? HOLDER,
        members: MEMBERS,
        faultsTolerated: 1,
        invalid: [],
      });
    let askedAt = Number.NEGATIVE_INFINITY;
    const isSettled = () => {
      if (this.now >= askedAt + 300) {
        askedAt = this.now;
        ask();
      }
      return this.settledEpoch() > before;
    };
    if (!this.runUntil(isSettled)) throw new Error("the epoch was not settled");
    return this.settledEpoch();
  }

  settledEpoch(): number {
    return this.primary()?.placement()[0]?.settledEpoch ?? 0;
  }

  /** Everybody up has applied the same slots, and they agree on everything. */
  hasConverged(): boolean {
    const cores = [...this.masters.values()].flatMap(({ core }) => (core ? [core] : []));
    const [first] = cores;
    if (!first || !cores.every(({ decidedThrough }) => decidedThrough === first.decidedThrough)) return false;
    const digests = new Set(cores.map((core) => core.metadataDigest()));
    if (digests.size > 1) throw new Error("masters at one slot differ in their metadata");
    return true;
  }

  isVerifiedEverywhere(change: TestChange): boolean {
    return [...this.masters.values()].every(({ core }) => {
      const outcome = core?.outcome(change.change.requestId);
      return core === undefined || (outcome?.kind === "verified" && outcome.change.digest === change.digest);
    });
  }
}
