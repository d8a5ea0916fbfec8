/** The masters side by side, what their databases hold, and how the replicas' scrub stands. From health reports and questions. */
import { majority } from "@redoubt/protocol";
import type {
  AdministrationPort,
  MasterStatus,
  MastersComparison,
  MastersStatus,
  ScrubStatus,
} from "../../administration/index.ts";
import type { ServerView } from "../registry.ts";
import { type MasterDigestAnswer, METADATA_PATIENCE_MS } from "../state-link.ts";
import type { PortParts } from "./parts.ts";

type MastersPart = Pick<AdministrationPort, "mastersStatus" | "mastersCompare">;

const COMPARE_LIMIT_MS = 8_000;
const COMPARE_PAUSE_MS = 150;

export function mastersPart(parts: PortParts): MastersPart {
  return {
    async mastersStatus() {
      const viewsOf = (component: "state-master" | "state-replica"): ServerView[] =>
        parts.membership
          .of(component)
          .flatMap(({ server }) => parts.registry.server(server) ?? [])
          .sort((left, right) => left.server.localeCompare(right.server, "en", { numeric: true }));
      return toMastersStatus(viewsOf("state-master"), viewsOf("state-replica"));
    },
    mastersCompare: () => compareMasters(parts),
  };
}

type HealthView = Pick<ServerView, "server" | "node" | "state" | "since"> & {
  readonly health: Pick<NonNullable<ServerView["health"]>, "role" | "counters"> | undefined;
};

/** Pure. A master that is not up says nothing that counts: its last numbers are not shown as if they were true. */
export function toMastersStatus(masters: readonly HealthView[], replicas: readonly HealthView[]): MastersStatus {
  const known = masters.map((view) => counterOf(view, "decidedThrough"));
  const decided = known.filter((slot) => slot !== null);
  const decidedThrough = decided.length === 0 ? null : Math.max(...decided);
  const shown = masters.map(toMaster);
  const voters = shown.filter(({ role }) => role !== "learner");
  const live = voters.filter(({ state }) => state === "up").length;
  const quorum = majority(voters.length);
  return {
    asOf: new Date().toISOString(),
    leader: shown.find(({ role, state }) => role === "leader" && state === "up")?.server ?? null,
    quorum,
    live,
    faultsToleratedNow: Math.max(0, live - quorum),
    decidedThrough,
    masters: shown,
    scrub: replicas.map(toScrub),
  };
}

const counterOf = ({ state, health }: HealthView, name: string): number | null =>
  state === "up" ? (health?.counters[name] ?? null) : null;

const ROLES: Readonly<Record<string, MasterStatus["role"]>> = {
  primary: "leader",
  backup: "follower",
  learner: "learner",
};

function toMaster(view: HealthView): MasterStatus {
  const { server, node, state, since, health } = view;
  const decided = counterOf(view, "decidedThrough");
  const appliedSlot = counterOf(view, "appliedSlot");
  const databaseUp = counterOf(view, "databaseUp");
  const totalBytes = counterOf(view, "snapshotTotalBytes");
  return {
    server,
    node,
    state,
    role: state === "up" ? (ROLES[health?.role ?? ""] ?? "unknown") : "unknown",
    since: new Date(since).toISOString(),
    decidedThrough: decided,
    appliedSlot,
    lag: appliedSlot === null || decided === null ? null : Math.max(0, decided - appliedSlot),
    databaseUp: databaseUp === null ? null : databaseUp === 1,
    snapshot: totalBytes ? { doneBytes: counterOf(view, "snapshotDoneBytes") ?? 0, totalBytes } : null,
    rebuilt: toRebuilt(view),
    retention: toRetention(view),
  };
}

function toRebuilt(view: HealthView): MasterStatus["rebuilt"] {
  const ms = counterOf(view, "rebuildMs");
  if (!ms) return null;
  const count = (name: string): number => counterOf(view, name) ?? 0;
  return {
    ms,
    stateBytes: count("rebuildStateBytes"),
    rows: count("rebuildRows"),
    rowBytes: count("rebuildRowBytes"),
  };
}

function toRetention(view: HealthView): MasterStatus["retention"] {
  const windowMs = counterOf(view, "retentionMs");
  if (windowMs === null) return null;
  const reducedThrough = counterOf(view, "reducedThrough") ?? 0;
  const reducedAt = counterOf(view, "reducedAt") ?? 0;
  return { windowMs, reducedThrough, keptFrom: reducedThrough === 0 ? null : new Date(reducedAt).toISOString() };
}

function toScrub(view: HealthView): ScrubStatus {
  const { server, node, state, health } = view;
  const passes = counterOf(view, "scrubPasses");
  const ofLastPass = (name: string): number | null => (passes === null || passes === 0 ? null : counterOf(view, name));
  return {
    server,
    node,
    state,
    gatheredBytes: state === "up" && health?.role === "learner" ? (counterOf(view, "transferBytes") ?? 0) : null,
    passes,
    lastPassMs: ofLastPass("scrubLastPassMs"),
    lastPassBytes: ofLastPass("scrubLastPassBytes"),
    found: counterOf(view, "scrubFound"),
    repaired: counterOf(view, "scrubRepaired"),
  };
}

/**
 * Masters apply the same slots at slightly different times, and reduce old ones at different moments: they are asked
 * again until they stand at the same slot and compare from the same one.
 */
async function compareMasters({ state }: PortParts): Promise<MastersComparison> {
  const masters = [...state.masters].sort();
  const deadline = Date.now() + COMPARE_LIMIT_MS;
  let from = 0;
  for (;;) {
    const asked = masters.map(async (server) => ({ server, answer: await state.digest(server, from) }));
    const found = await Promise.all(asked);
    const reachable = found.flatMap(({ answer }) => (answer ? [answer] : []));
    const isLevel =
      reachable.length === masters.length &&
      new Set(reachable.map(({ appliedSlot, comparedAfter }) => `${appliedSlot} ${comparedAfter}`)).size === 1;
    from = Math.max(from, ...reachable.map(({ comparedAfter }) => comparedAfter));
    if (isLevel || Date.now() > deadline) return toComparison(found, isLevel);
    await new Promise((resume) => setTimeout(resume, Math.min(COMPARE_PAUSE_MS, METADATA_PATIENCE_MS)));
  }
}

/** Pure. */
export function toComparison(
  found: readonly { server: string; answer: MasterDigestAnswer | undefined }[],
  isLevel: boolean,
): MastersComparison {
  const [first] = found.flatMap(({ answer }) => (answer ? [answer] : []));
  const differences: string[] = [];
  for (const { server, answer } of found) {
    if (!answer) differences.push(`${server} does not answer`);
    else if (first && answer.appliedSlot !== first.appliedSlot)
      differences.push(`${server} has applied slot ${answer.appliedSlot}, another master slot ${first.appliedSlot}`);
    else if (first && answer.comparedAfter !== first.comparedAfter)
      differences.push(`${server} keeps everything after slot ${answer.comparedAfter} only; ask again`);
    else if (first && answer.digest !== first.digest)
      for (const [table, digest] of Object.entries(answer.tables))
        if (digest !== first.tables[table]) differences.push(`${server} differs in table ${table}`);
  }
  return {
    at: new Date().toISOString(),
    equal: isLevel && differences.length === 0,
    comparedAfter: Math.max(0, ...found.map(({ answer }) => answer?.comparedAfter ?? 0)),
    masters: found.map(({ server, answer }) => ({
      server,
      reachable: answer !== undefined,
      appliedSlot: answer?.appliedSlot ?? 0,
      digest: answer?.digest ?? "",
      rows: { ...answer?.rows },
    })),
    differences,
  };
}
