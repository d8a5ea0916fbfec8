/**
 * The state replica: a member of object clusters. It stores versions, judges execution servers' changes, tells the
 * regulator, the masters and (optimized profile) its acceptance test what it holds, and follows the masters' decisions.
 * It trusts masters, regulator and manager, no execution server, and other members only for what a digest proves.
 * This file routes inputs; the rules are in the files beside it. See docs/PROTOCOL.md §3–§5.
 */
import { assert, type Digest, type Epoch, type ServerName, type Slot, type ToStateReplica } from "@redoubt/shared";
import type { ApplicationPort } from "../application-port.ts";
import { Applications } from "../applications.ts";
import type { CheckpointedCore } from "../core.ts";
import { RecentKeys } from "../recent.ts";
import { AccessLogs } from "./accesses.ts";
import { answerAgain, redesignate } from "./answers.ts";
import { Budgets, isOverBudget } from "./budgets.ts";
import { restoreCheckpoint, takeCheckpoint } from "./checkpoint.ts";
import { ClusterTable, tipOf } from "./clusters.ts";
import { ReadConfirmations } from "./confirmations.ts";
import type { Replica, Turn } from "./context.ts";
import { DamageReports } from "./damage-reports.ts";
import { describeObject, sendRecord } from "./describe.ts";
import { Evidence, RivalChanges } from "./evidence.ts";
import { receiveFence } from "./fences.ts";
import { sendChanges } from "./fetched-changes.ts";
import { receiveFetch, retryFetches, WaitingFetches } from "./fetches.ts";
import { Gaps } from "./gaps.ts";
import { HeldChanges, holdKeyOf } from "./held-changes.ts";
import { receiveChange, wake } from "./intake.ts";
import { nameJournal, Transfer, type TransferView } from "./joining.ts";
import type { ObjectVersion } from "./object-store.ts";
import { receivePromise } from "./promises.ts";
import { RecordReads } from "./record-reads.ts";
import { countUnknownKeys, RefusalReports } from "./refusals.ts";
import { Replaying } from "./replay.ts";
import { Reports } from "./reports.ts";
import { Scrub, type ScrubView } from "./scrub.ts";
import { ShadowTests } from "./shadow.ts";
import { ReplicaStore } from "./store.ts";
import { follow, receiveChanges, receiveStream, retryFetch, StreamState } from "./stream.ts";
import { changeTested } from "./tests.ts";
import { TicketKeys } from "./ticket-keys.ts";
import type {
  StateReplicaConfiguration,
  StateReplicaDependencies,
  StateReplicaEffect,
  StateReplicaInput,
} from "./types.ts";
import { versionsInMemory } from "./versions.ts";

const REFUSED_CHANGES_MAX = 8_192;

/** What a replica keeps of one object cluster, for explorer and checkers. */
export interface ReplicaClusterView {
  readonly openedEpoch: Epoch;
  readonly installedEpoch: Epoch;
  readonly holder: ServerName;
  readonly verifiedHead: Digest;
  readonly tip: Digest;
  readonly lastSerial: number;
}

export interface ReplicaMemoryUse {
  readonly versionedObjects: number;
  /** Request ids known: of verified changes and fenced ones. */
  readonly requests: number;
  readonly tableBytes: number;
  /** Pieces of work that wait for records to be read. */
  readonly waitingReads: number;
}

export interface StateReplica extends CheckpointedCore<StateReplicaInput, StateReplicaEffect> {
  readonly appliedThrough: Slot;
  readonly undecidedCount: number;
  readonly heldCount: number;
  /** Name of its journal; empty before the start. */
  readonly identity: string;
  readonly transfer: TransferView;
  readonly scrub: ScrubView;
  /** For tests: versions in the chain in ascending order as far back as they are in memory, then those of dropped changes. */
  versionsOf(object: string): readonly ObjectVersion[];
  /** Sizes, for health reports. */
  readonly memory: ReplicaMemoryUse;
  cluster(cluster: number): ReplicaClusterView;
}

export function createStateReplica(
  dependencies: StateReplicaDependencies,
  configuration: StateReplicaConfiguration,
): StateReplica {
  const replica = compose(dependencies, configuration);
  const replaying = new Replaying();
  let started = false;
  return {
    step(input) {
      const turn: Turn = { now: input.now, wall: input.wall, effects: [] };
      if (started) {
        takeInput(replica, turn, input);
        runTimers(replica, turn);
      } else if (input.kind === "start") {
        started = true;
        for (const record of input.durable) replaying.take(replica, record);
        replaying.ended(replica, turn);
        start(replica, turn);
      } else if (input.kind === "restore") {
        restoreCheckpoint(replica, input.checkpoint, input.through);
      } else if (input.kind === "replay") {
        assert(input.first === replica.journal.next, `replay from ${input.first}, not ${replica.journal.next}`);
        for (const record of input.records) replaying.take(replica, record);
      }
      replica.store.trim();
      return turn.effects;
    },
    checkpoint: () => (started ? takeCheckpoint(replica) : undefined),
    get wakeAt() {
      return started ? earliest(replica) : undefined;
    },
    get appliedThrough() {
      return replica.stream.appliedThrough;
    },
    get undecidedCount() {
      return replica.store.undecidedCount;
    },
    get heldCount() {
      return replica.held.size;
    },
    get identity() {
      return replica.journal.identity;
    },
    get transfer() {
      return replica.transfer.view(replica.store.clusters);
    },
    get scrub() {
      return replica.scrub.view(replica);
    },
    versionsOf: (object) => versionsInMemory(replica.store, object),
    get memory() {
      const { store, reads } = replica;
      return {
        versionedObjects: store.objects.table.size,
        requests: store.requests.size,
        tableBytes: store.requests.bytes + store.objects.table.bytes,
        waitingReads: reads.waitingCount,
      };
    },
    cluster(cluster) {
      const state = replica.store.clusters.get(cluster);
      return {
        openedEpoch: state.opened.epoch,
        installedEpoch: state.installed.epoch,
        holder: state.installed.holder,
        verifiedHead: state.verifiedHead,
        tip: tipOf(state),
        lastSerial: state.lastSerial,
      };
    },
  };
}

function compose(dependencies: StateReplicaDependencies, configuration: StateReplicaConfiguration): Replica {
  const { hasher } = dependencies;
  const applications = new Applications(dependencies.application, dependencies.otherVersions);
  const keys = new TicketKeys();
  const { self } = configuration;
  const clusters = new ClusterTable(self, configuration.keepsEverything);
  return {
    hasher,
    applications,
    configuration,
    examiner: { hasher, applications, self, keyOf: (epoch) => keys.of(epoch) },
    store: new ReplicaStore(hasher, applications, clusters, configuration.memory),
    reads: new RecordReads(),
    journal: { next: 0, identity: "", abandoned: [] },
    transfer: new Transfer(configuration.transferBytesPerSecond),
    scrub: new Scrub(),
    damage: new DamageReports(),
    held: new HeldChanges(),
    gaps: new Gaps(),
    accesses: new AccessLogs(),
    evidence: new Evidence(),
    rivals: new RivalChanges(),
    reports: new Reports(),
    refusals: new RefusalReports(),
    budgets: new Budgets(),
    fetches: new WaitingFetches(),
    shadows: new ShadowTests(),
    stream: new StreamState(),
    promises: [],
    confirmations: new ReadConfirmations(),
    descriptions: { open: 0 },
    testing: new Map(),
    refused: new RecentKeys(REFUSED_CHANGES_MAX),
    keys,
    regulator: {
      ...{ server: configuration.trafficRegulator, epoch: 0 },
      decided: { server: configuration.trafficRegulator, epoch: 0 },
    },
  };
}

function start(replica: Replica, turn: Turn): void {
  replica.store.clusters.restarted();
  for (const entry of replica.store.undecided()) replica.reports.watch(entry, turn.now);
  replica.stream.restarted = replica.journal.next > 0;
  nameJournal(replica, turn);
  replica.scrub.start(replica, turn.now);
  follow(replica, turn);
}

function takeInput(replica: Replica, turn: Turn, input: StateReplicaInput): void {
  switch (input.kind) {
    case "message":
      receive(replica, turn, input.from.server, input.message);
      return;
    case "tested":
      tested(replica, turn, input);
      return;
    case "loaded":
      loaded(replica, turn, input.application);
      return;
    case "recordRead":
      replica.reads.arrived(replica, turn, input);
      return;
    case "recordRepaired":
      if (input.ok) replica.reads.damaged.delete(input.number);
      replica.scrub.repaired(replica, turn, input.number, input.ok);
  }
}

type Handler<Kind extends ToStateReplica["kind"]> = (
  replica: Replica,
  turn: Turn,
  from: ServerName,
  message: Extract<ToStateReplica, { kind: Kind }>,
) => void;

const HANDLERS: { readonly [Kind in ToStateReplica["kind"]]: Handler<Kind> } = {
  change: (replica, turn, from, message) => receiveChange(replica, turn, from, message.record),
  fetch: receiveFetch,
  evidence: (replica, turn, from, message) => {
    replica.evidence.keep(from, message);
    replica.rivals.signed(replica, turn, from);
  },
  shadowResult: (replica, turn, from, message) => replica.shadows.receive(replica, turn, from, message),
  ticketKey: (replica, turn, from, message) => receiveKey(replica, turn, from, message.regulatorEpoch, message.key),
  answerAgain: (replica, turn, _from, message) => answerAgain(replica, turn, message),
  redesignate: (replica, turn, _from, message) => redesignate(replica, turn, message),
  stream: receiveStream,
  promise: receivePromise,
  fence: receiveFence,
  // Only the decision ends a change's reports: what a primary has in memory goes with it.
  reported: (replica, turn, _from, message) => replica.reports.known(message.digests, turn.now),
  checksumsDiffer: () => undefined,
  damageNoted: (replica, _turn, _from, { through }) => replica.damage.noted(through),
  fetchChanges: sendChanges,
  changes: (replica, turn, from, message) => receiveChanges(replica, turn, from, message.records),
  fetchRecord: sendRecord,
  describeObject,
};

function receive(replica: Replica, turn: Turn, from: ServerName, message: ToStateReplica): void {
  if (isOverBudget(replica, turn, from, message)) return;
  const handler = HANDLERS[message.kind] as Handler<ToStateReplica["kind"]> | undefined;
  handler?.(replica, turn, from, message);
}

function receiveKey(replica: Replica, turn: Turn, from: ServerName, regulatorEpoch: Epoch, key: string): void {
  replica.keys.add(regulatorEpoch, key);
  if (regulatorEpoch >= replica.regulator.epoch) {
    replica.regulator.server = from;
    replica.regulator.epoch = regulatorEpoch;
  }
  wake(replica, turn, [holdKeyOf({ kind: "key", regulatorEpoch })]);
  retryFetches(replica, turn);
}

/** Changes and fetches under a version that was not here wait no longer. */
function loaded(replica: Replica, turn: Turn, application: ApplicationPort): void {
  if (!replica.applications.add(application)) return;
  wake(replica, turn, [holdKeyOf({ kind: "version", version: application.version })]);
  retryFetches(replica, turn);
}

function tested(replica: Replica, turn: Turn, input: Extract<StateReplicaInput, { kind: "tested" }>): void {
  if (!replica.shadows.tested(replica, turn, input.test, input.verdict))
    changeTested(replica, turn, input.test, input.verdict);
}

function runTimers(replica: Replica, turn: Turn): void {
  if (turn.now >= replica.stream.followDueAt) follow(replica, turn);
  retryFetch(replica, turn);
  countUnknownKeys(replica, turn, replica.held.expire(turn.now));
  replica.gaps.check(replica, turn);
  replica.reports.flush(replica, turn);
  replica.scrub.run(replica, turn);
  replica.damage.run(replica, turn);
  replica.keys.run(replica, turn);
}

function earliest({ stream, held, gaps, reports, scrub, damage, keys }: Replica): number {
  return Math.min(
    stream.wakeAt,
    scrub.wakeAt,
    damage.wakeAt,
    keys.wakeAt,
    held.wakeAt ?? Number.POSITIVE_INFINITY,
    gaps.wakeAt ?? Number.POSITIVE_INFINITY,
    reports.wakeAt ?? Number.POSITIVE_INFINITY,
  );
}
