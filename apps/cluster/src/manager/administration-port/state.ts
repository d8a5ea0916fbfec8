/** The state explorer: objects and their versions from a master's database, what replicas store, where it is kept. */
import { correlationOf } from "@redoubt/application";
import { objectClusterOf, replicationDegree, vouching } from "@redoubt/protocol";
import type { RequestId, VersionCursor } from "@redoubt/shared";
import {
  AdministrationError,
  type AdministrationPort,
  type FoundVersion,
  type ObjectPlacement,
  type PlacementGroup,
  type StateObjectHistory,
  type StateObjectSummary,
  type VersionFilter,
} from "../../administration/index.ts";
import { createHasher } from "../../runtime/hasher.ts";
import type {
  KeptMetadata,
  ObjectHeadEntry,
  PlacementAnswer,
  StoredObjectVersions,
  StoredVersionEntry,
} from "../state-link.ts";
import { mergeVersions } from "./object-versions.ts";
import type { PortParts } from "./parts.ts";

type StatePart = Pick<AdministrationPort, "stateList" | "stateShow" | "stateVersions" | "placement">;

const NO_MASTER = "No state master answers at the moment; try again in a moment.";
const hasher = createHasher();

export function statePart(parts: PortParts): StatePart {
  const { state } = parts;
  return {
    async stateList({ prefix, limit, after }) {
      const answer = await state.askAny({ kind: "objects", prefix, limit, ...(after === undefined ? {} : { after }) });
      if (!Array.isArray(answer)) throw new AdministrationError("unavailable", NO_MASTER);
      return (answer as ObjectHeadEntry[]).map(toSummary);
    },
    stateShow: (request) => showObject(parts, request),
    async stateVersions(filter) {
      const asOf = new Date().toISOString();
      if (filter.requestId !== undefined) return { asOf, ...(await versionsOfRequest(parts, filter)), next: null };
      const found = await state.findVersions(toSearch(filter));
      if (found === undefined) throw new AdministrationError("unavailable", NO_MASTER);
      const next = found.next && writePlace(found.next);
      return { asOf, versions: found.versions.map(toFound), next, keptFrom: toKeptFrom(found.kept) };
    },
    async placement() {
      const answer = await state.placement();
      if (answer === undefined) throw new AdministrationError("unavailable", NO_MASTER);
      const stateOf = (server: string): string => parts.registry.server(server)?.state ?? "unknown";
      return { asOf: new Date().toISOString(), groups: toPlacementGroups(answer, stateOf) };
    },
  };
}

const isoOf = (at: number): string => new Date(at).toISOString();

const toKeptFrom = ({ at }: KeptMetadata): string | null => (at === null ? null : isoOf(at));

const toSummary = ({ object, number, epoch, status, requestId, at }: ObjectHeadEntry): StateObjectSummary => ({
  object,
  type: object.slice(0, Math.max(0, object.indexOf("/"))),
  versions: number,
  head: { number, epoch, status, requestId, at: isoOf(at) },
});

const toFound = (entry: StoredVersionEntry): FoundVersion => {
  const { object, number, epoch, requestId, executionServer, testers, c1, c2, slot, at } = entry;
  return {
    ...{ object, number, epoch, status: "verified" as const, requestId, executionServer },
    ...{ testers: [...testers], c1, c2, slot, at: isoOf(at) },
  };
};

/** A request changes a bounded number of objects, so all its versions are one page; other filters narrow them down. */
async function versionsOfRequest(
  { state }: PortParts,
  filter: VersionFilter,
): Promise<{ versions: FoundVersion[]; keptFrom: string | null }> {
  const found = await state.requestSteps(filter.requestId as RequestId);
  if (found === undefined) throw new AdministrationError("unavailable", NO_MASTER);
  const { from, to } = toSearch(filter);
  const versions = found.steps
    .flatMap(({ slot, at, versions }) => versions.map((version) => ({ ...version, slot, at })))
    .filter(({ executionServer }) => executionServer === (filter.executionServer ?? executionServer))
    .filter(({ at }) => at >= (from ?? at) && at <= (to ?? at))
    .slice(0, filter.limit)
    .map(toFound);
  return { versions, keptFrom: toKeptFrom(found.kept) };
}

function toSearch({ executionServer, from, to, before, limit }: VersionFilter) {
  return {
    limit,
    ...(executionServer === undefined ? {} : { server: executionServer }),
    ...(from === undefined ? {} : { from: Date.parse(from) }),
    ...(to === undefined ? {} : { to: Date.parse(to) }),
    ...(before === undefined ? {} : { before: readPlace(before) }),
  };
}

const writePlace = ({ at, slot, index }: VersionCursor): string => `${at}.${slot}.${index}`;

function readPlace(place: string): VersionCursor {
  const [at = 0, slot = 0, index = 0] = place.split(".").map(Number);
  return { at, slot, index };
}

async function showObject(
  parts: PortParts,
  { object, limit, before }: { readonly object: string; readonly limit: number; readonly before?: string | undefined },
): Promise<StateObjectHistory> {
  const { state } = parts;
  const [slot = 0, number = 0] = (before ?? "").split(".").map(Number);
  const [answer, placement] = await Promise.all([
    state.objectVersions(object, limit, before === undefined ? undefined : { slot, number }),
    placementOf(parts, object),
  ]);
  const stored = answer?.versions;
  const oldest = stored?.at(-1);
  const to = before === undefined ? Number.MAX_SAFE_INTEGER : number - 1;
  // Without a master the replicas' own newest versions are all there is to show.
  const from = oldest?.number ?? (before === undefined ? undefined : Math.max(1, number - limit));
  const described = await state.describe(object, from === undefined ? undefined : { from, to });
  if (stored === undefined && described.length === 0)
    throw new AdministrationError("unavailable", "Neither a state master nor a replica answers; try in a moment.");
  const { marks } = parts;
  const versions = mergeVersions(stored ?? [], described, {
    of: (server, record) => marks.of(server, record),
    corruptVersions: (server) => marks.corruptVersions(server, object),
  });
  if (versions.length === 0 && before === undefined)
    throw new AdministrationError("not-found", `There is no object named ${object}.`, "object");
  return {
    object,
    newest: stored === undefined || before !== undefined ? null : (stored[0]?.number ?? 0),
    placement,
    versions: stored === undefined ? versions.slice(-limit) : versions,
    ...endOf(answer, versions),
  };
}

/** Where a page ends. What masters no longer keep is shown as replicas have it, with no decision to name as a place. */
function endOf(
  answer: StoredObjectVersions | undefined,
  versions: StateObjectHistory["versions"],
): Pick<StateObjectHistory, "older" | "keptFrom" | "isCut"> {
  const oldest = answer?.versions.at(-1);
  const lowest = answer?.isCut ? versions[0] : oldest;
  return {
    older: lowest !== undefined && lowest.number > 1 ? `${lowest.slot ?? 0}.${lowest.number}` : null,
    keptFrom: answer === undefined ? null : toKeptFrom(answer.kept),
    isCut: answer?.isCut ?? false,
  };
}

async function placementOf({ state, contract }: PortParts, object: string): Promise<ObjectPlacement | null> {
  const correlation = correlationOf(contract, object);
  const groups = correlation === undefined ? undefined : await state.placement();
  if (correlation === undefined || groups === undefined) return null;
  const cluster = objectClusterOf(hasher, correlation);
  const group = groups.find(({ clusters }) => clusters.some(({ from, to }) => cluster >= from && cluster <= to));
  if (group === undefined) return null;
  const { epoch, holder, members, faultsTolerated } = group;
  return { cluster, epoch, holder, members, faultsTolerated };
}

/** Pure. What counts against t: a member that is not up, and a seat that nobody has who holds everything. */
export function toPlacementGroups(answer: PlacementAnswer, stateOf: (server: string) => string): PlacementGroup[] {
  return answer.map((entry) => {
    const { clusters, epoch, settledEpoch, holder, members, joining, struckOff, vacant, openedAt } = entry;
    const { faultsTolerated } = entry;
    const of = (servers: readonly string[], state: PlacementGroup["members"][number]["state"]) =>
      servers.map((server) => ({ server, state, serverState: stateOf(server) }));
    const up = members.filter((server) => stateOf(server) === "up").length;
    const isWhole = vacant === 0 && members.length >= replicationDegree(faultsTolerated);
    return {
      clusters,
      count: clusters.reduce((sum, { from, to }) => sum + to - from + 1, 0),
      epoch,
      settledEpoch,
      holder,
      faultsTolerated,
      members: [
        ...of(members, "member"),
        ...of(
          joining.filter((server) => !struckOff.includes(server)),
          "joining",
        ),
        ...of(struckOff, "struck off"),
      ].sort((left, right) => left.server.localeCompare(right.server, "en", { numeric: true })),
      // t+1 copies must remain, of which one is honest.
      faultsToleratedNow: Math.max(0, Math.min(faultsTolerated, up - vouching(faultsTolerated))),
      fullyReplicatedAt: isWhole && openedAt !== null ? isoOf(openedAt) : null,
    };
  });
}
