/** Builds the cores of a simulated cluster, and knows the few shapes of theirs that the world has to know. */
import type { AdversaryTools } from "@redoubt/adversary";
import {
  type ApplicationPort,
  composeReply,
  computeRequestId,
  createAcceptanceTestServer,
  createExecutionServer,
  createStateMaster,
  createStateReplica,
  createTrafficRegulator,
  digestChange,
  digestInput,
  digestReply,
  digestText,
  type Hasher,
  isSameRegulatorState,
  isSameState,
  type RegulatedApplication,
  type ReplicaMemory,
  summarize,
} from "@redoubt/protocol";
import {
  type ChangeRecord,
  type Component,
  type Digest,
  FIRST_IDENTITY,
  type RequestId,
  type ServerName,
} from "@redoubt/shared";
import { ACCOUNTS, accountName, bankPort, FIRST_VERSION, isHeld, SECOND_VERSION } from "./bank.ts";
import type { HostCore, HostPlan } from "./host.ts";
import type { ManagerPlan } from "./manager.ts";
import type { StoredChange } from "./observation.ts";
import type { SeededRandom } from "./random.ts";

/** Worlds are small: a few requests at a time are a load, and leases move in many of them. */
const OVERLOAD = { running: 2, sustainedMs: 100, requestsMin: 6 };

export interface ClusterShape {
  readonly profile: "optimized" | "basic";
  readonly faultsTolerated: number;
  readonly executionServers: number;
  readonly replicas: number;
  /** How many of them are members at first; all where absent. */
  readonly wantedMembers?: number;
  readonly masters: number;
  readonly acceptanceTestServers: number;
  /** How often a replica reads its whole disk. */
  readonly scrubPeriodMs?: number;
  /** Two versions of the application take each other's place again and again. */
  readonly changesVersions?: boolean;
  /** So long are some operations held when they are quarantined, milliseconds; absent: everything is rejected. */
  readonly holdMs?: number;
}

/** Seldom, because it costs: worlds in which disks go wrong do it more often. */
const SCRUB_PERIOD_MS = 10_000;

/** Puts another core in the place of the real one: to show that the checkers notice a broken one. */
export type WrapCore = (core: HostCore, server: ServerName, component: Component) => HostCore;

export interface SimulatedCluster {
  readonly hosts: readonly HostPlan[];
  readonly manager: ManagerPlan;
  /** What an intruder finds in a server's process. */
  readonly toolsOf: (server: ServerName) => AdversaryTools;
  readonly changesOn: (disk: readonly unknown[]) => StoredChange[];
  /** The next journal of this server is another one. */
  readonly journalLost: (server: ServerName) => void;
  readonly requestIdOf: (client: string, key: string, operation: string, inputText: string) => RequestId;
  readonly digestReplyBody: (status: number, bodyText: string) => Digest;
  readonly admission: (
    exchange: string,
    client: string,
    address: string,
    operation: string,
    key: string,
    inputText: string,
  ) => { kind: string };
}

const named = (component: Component, count: number): ServerName[] =>
  Array.from({ length: count }, (_, index) => `${component}-${index + 1}`);

/** Cores differ in their inputs and effects; the world gives each only its own. */
const asHostCore = (core: unknown): HostCore => core as HostCore;

/** What masters' journals are called: those of the first start alike, each that replaces a lost one by a name of its own. */
function masterJournals() {
  const lost = new Map<ServerName, number>();
  return {
    journalLost: (server: ServerName) => void lost.set(server, (lost.get(server) ?? 0) + 1),
    identify: (server: ServerName) => ({
      journalIdentity: lost.has(server) ? `journal ${lost.get(server)} of ${server}` : FIRST_IDENTITY,
      hasDatabase: true,
      window: MASTER_WINDOW,
    }),
  };
}

/** Small, so that journals are truncated, entries forgotten and old decisions looked up within a short run. */
const MASTER_WINDOW = { keptSlotsMax: 48, truncateSlots: 16, markRecords: 16, streamSlotsMax: 32 };

/** Every other process of a member forgets nearly everything at once, so that it reads it back. */
function drawMemory(random: SeededRandom): ReplicaMemory {
  const draw = (): number => (random.chance(0.5) ? 1 : 16_384 + random.below(262_144));
  return random.chance(0.5)
    ? { headBytesMax: draw(), recordBytesMax: draw() }
    : { headBytesMax: 2 ** 24, recordBytesMax: 2 ** 24 };
}

/** The second one is known to everybody from the start; the regulator admits under it when the manager says so. */
const versionsOf = (shape: ClusterShape, hasher: Hasher) => ({
  application: bankPort(hasher),
  otherVersions: shape.changesVersions ? [bankPort(hasher, SECOND_VERSION)] : [],
});

/** As the regulator sees it. */
const regulate = (port: ApplicationPort, { holdMs }: ClusterShape): RegulatedApplication => ({
  ...port,
  operationOf: (name) => (holdMs !== undefined && isHeld(name) ? { allow: [], holdMs } : { allow: [] }),
  validate: () => [],
  genesisObjects: Array.from({ length: ACCOUNTS }, (_, account) => accountName(account)),
});

export function buildCluster(
  shape: ClusterShape,
  hasher: Hasher,
  random: SeededRandom,
  clients: readonly string[],
  wrapCore: WrapCore = (core) => core,
): SimulatedCluster {
  const { application, otherVersions } = versionsOf(shape, hasher);
  const [masters, members] = [named("state-master", shape.masters), named("state-replica", shape.replicas)];
  const executionServers = named("execution-server", shape.executionServers);
  const testers = shape.profile === "basic" ? shape.acceptanceTestServers : 0;
  const acceptanceTestServers = named("acceptance-test-server", testers);
  const trafficRegulator = "traffic-regulator-1";
  const signatureOf = (key: string, digest: string): string => digestText(hasher, `signature of ${key}`, digest);
  const credentialOf = (client: string): Digest => digestText(hasher, "credential", client);
  let [keys, journals] = [0, 0];
  const { journalLost, identify } = masterJournals();
  const creators: Readonly<Partial<Record<Component, (self: ServerName) => unknown>>> = {
    "traffic-regulator": (self) =>
      createTrafficRegulator(
        {
          hasher,
          random,
          verifySignature: (publicKey, digest, signature) => signatureOf(publicKey, digest) === signature,
          makeKey: () => digestText(hasher, "key", `${keys++}/${random()}`),
        },
        {
          self,
          masters,
          application: regulate(application, shape),
          otherVersions: otherVersions.map((each) => regulate(each, shape)),
          clientDeadlineMs: 1_200,
          overload: OVERLOAD,
        },
      ),
    "execution-server": (self) =>
      createExecutionServer(
        { hasher, application, otherVersions, random, sign: (digest) => signatureOf(self, digest) },
        { self, trafficRegulator },
      ),
    "state-replica": (self) =>
      createStateReplica(
        { hasher, application, otherVersions },
        { ...replicaSettings(shape, hasher, random, `${self}/${journals++}`), self, masters, trafficRegulator },
      ),
    "state-master": (self) => createStateMaster({ hasher, random }, { ...identify(self), self, masters }),
    "acceptance-test-server": (self) =>
      createAcceptanceTestServer({ hasher, application, otherVersions }, { self, masters, trafficRegulator }),
  };
  const plan = (component: Component, servers: readonly ServerName[]): HostPlan[] =>
    servers.map((server) => ({
      server,
      component,
      create: () => wrapCore(asHostCore(creators[component]?.(server)), server, component),
      ...(component === "state-replica" ? { isSameState } : {}),
      ...(component === "traffic-regulator" ? { isSameState: isSameRegulatorState } : {}),
    }));
  return {
    hosts: [
      ...plan("state-master", masters),
      ...plan("state-replica", members),
      ...plan("acceptance-test-server", acceptanceTestServers),
      ...plan("execution-server", executionServers),
      ...plan("traffic-regulator", [trafficRegulator]),
    ],
    manager: {
      executionServers,
      acceptanceTestServers,
      ...{ members, masters, wantedMembers: shape.wantedMembers ?? shape.replicas },
      faultsTolerated: shape.faultsTolerated,
      profile: shape.profile,
      versions: shape.changesVersions ? [FIRST_VERSION, SECOND_VERSION] : [FIRST_VERSION],
      clients: clients.map((name) => ({ id: name, name, keyHash: credentialOf(name), roles: ["client"] })),
    },
    toolsOf: (server) => ({ hasher, sign: (digest) => signatureOf(server, digest) }),
    changesOn: (disk) =>
      disk.flatMap((entry) => {
        const { kind, record } = entry as { kind: string; record: ChangeRecord };
        if (kind !== "accepted" && kind !== "fetched") return [];
        const summary = summarize(hasher, record);
        return [{ how: kind, digest: digestChange(hasher, summary), replyDigest: summary.replyDigest, record }];
      }),
    journalLost,
    requestIdOf: (client, key, operation, inputText) =>
      computeRequestId(hasher, client, key, operation, digestInput(hasher, inputText)),
    digestReplyBody: (status, bodyText) => digestReply(hasher, composeReply(status, bodyText)),
    admission: (exchange, client, address, operation, key, inputText) =>
      ({ kind: "admit", exchange, credentialDigest: credentialOf(client), address, operation, key, inputText }) as {
        kind: string;
      },
  };
}

/** `journal` is another text for every process, so that no two empty disks get one name. */
const replicaSettings = (
  { profile, scrubPeriodMs = SCRUB_PERIOD_MS }: ClusterShape,
  hasher: Hasher,
  random: SeededRandom,
  journal: string,
) => ({
  memory: drawMemory(random.fork(`memory of ${journal}`)),
  // Some lists of a settlement fill several messages.
  promisedBytesMax: random.fork(`promises of ${journal}`).pick([1, 6_000, 1_000_000]),
  hostsAcceptanceTests: profile === "optimized",
  journalIdentity: digestText(hasher, "journal", journal),
  keepsEverything: true,
  scrubPeriodMs,
});
