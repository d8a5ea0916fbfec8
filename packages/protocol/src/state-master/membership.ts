/**
 * Who may be a member of an epoch (docs/PROTOCOL.md §10).
 *
 * Intuition: a member is worth something only for what its journal remembers. So the masters remember the name of each
 * member's journal. One that comes back with another name has lost promises, fences and changes it had vouched for: it is
 * a faulty member, whatever it says, until it has everything again and a new epoch admits it. A server that was never a
 * member begins the same way. This file says what a command does to that knowledge and who sits in a new epoch; when such
 * commands are due is `membership-keeper.ts`.
 */
import type { ObjectClusterNumber, ServerName } from "@redoubt/shared";
import { replicationDegree } from "../quorum.ts";
import type { AdmitCommand, IdentifyCommand } from "./commands.ts";
import { clusterRecord, type EpochTerms, type MetadataState } from "./metadata-state.ts";

/**
 * What the masters know of one state replica: the name of its journal, and whether that holds everything (`whole`: a
 * member, or admitted to be one), has only fallen behind (`away`), or is another one than it was as a member (`lost`).
 */
export interface Standing {
  readonly identity: string;
  readonly state: "whole" | "away" | "lost";
}

/** Names of journals are short; a longer one is nobody's. */
export const IDENTITY_MAX = 64;

/** Whom the configuration manager wants, 2t+1 servers for `faultsTolerated`. */
export interface WantedMembers {
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
}

/** Members of a new epoch as the masters seat them. */
export interface Seats {
  readonly members: readonly ServerName[];
  readonly faultsTolerated: number;
  /** Seats not filled because their members lost their journals, before the first epoch or since: among the t faulty ones. */
  readonly vacant: number;
}

/** The different terms in which these clusters are now, the never opened ones left out. */
function termsOf(state: MetadataState, clusters: Iterable<ObjectClusterNumber>): EpochTerms[] {
  const terms = new Set<EpochTerms>();
  for (const cluster of clusters) {
    const opened = clusterRecord(state, cluster)?.opened;
    if (opened && opened.epoch > 0) terms.add(opened);
  }
  return [...terms];
}

/**
 * Seats for a new epoch of these clusters. Undefined when fewer than t+1 could be seated: striking off must not leave a
 * group in which nobody vouches for anything.
 *
 * A member that leaves keeps its seat while the one that replaces it is still gathering the state; t grows only when all
 * 2t+1 of the larger group are seated.
 */
export function seatMembers(
  state: MetadataState,
  clusters: Iterable<ObjectClusterNumber>,
  wanted: WantedMembers,
): Seats | undefined {
  const before = termsOf(state, clusters);
  const seated = new Set(before.flatMap(({ members }) => members));
  const counts = (server: ServerName): boolean => {
    const standing = state.standings.get(server);
    return standing ? standing.state === "whole" : before.length === 0 || seated.has(server);
  };
  const members = wanted.members.filter(counts);
  const faultsBefore = Math.max(0, ...before.map(({ faultsTolerated }) => faultsTolerated));
  const isLarger = before.length > 0 && wanted.faultsTolerated > faultsBefore;
  const isComplete = members.length >= replicationDegree(wanted.faultsTolerated);
  const faultsTolerated = isLarger && !isComplete ? faultsBefore : wanted.faultsTolerated;
  const degree = replicationDegree(faultsTolerated);
  for (const leaving of seated) {
    if (members.length >= degree) break;
    if (counts(leaving) && !members.includes(leaving)) members.push(leaving);
  }
  if (members.length <= faultsTolerated) return undefined;
  const hasLost =
    before.some(({ vacant }) => vacant > 0) || [...seated, ...wanted.members].some((server) => isLost(state, server));
  const vacant = hasLost ? Math.min(faultsTolerated, Math.max(0, degree - members.length)) : 0;
  return { members, faultsTolerated, vacant };
}

const isLost = (state: MetadataState, server: ServerName): boolean => state.standings.get(server)?.state === "lost";

/** False for what comes from a journal that is not the one the member's standing rests on. */
export function isOfMember(state: MetadataState, server: ServerName, identity: string | undefined): boolean {
  const known = state.standings.get(server);
  return !known || (known.state !== "lost" && (identity === undefined || known.identity === identity));
}

/**
 * True when a silent member of the ending epoch counts among its faulty ones: its journal is lost, or it is being replaced
 * in a group that is not made smaller. Whoever leaves because fewer are wanted is as good as before.
 */
export function isStruckOff(
  state: MetadataState,
  ending: Pick<EpochTerms, "faultsTolerated">,
  opening: Pick<EpochTerms, "wanted">,
  member: ServerName,
): boolean {
  if (isLost(state, member)) return true;
  return opening.wanted.faultsTolerated >= ending.faultsTolerated && !opening.wanted.members.includes(member);
}

/** After an epoch was opened: whoever has no seat anywhere falls behind from here on. */
export function forgetUnseated(state: MetadataState): void {
  const terms = new Set(state.clusters.map(({ opened }) => opened));
  const seated = new Set([...terms].flatMap(({ members }) => members));
  for (const [server, standing] of state.standings)
    if (standing.state === "whole" && !seated.has(server)) state.standings.set(server, { ...standing, state: "away" });
}

/**
 * A replica's journal has this name. The first name heard of a member is believed: before it has been heard, nothing was
 * decided with it. Another name than before ends whatever the server counted for.
 */
export function applyIdentify(state: MetadataState, { server, identity }: IdentifyCommand): void {
  const known = state.standings.get(server);
  if (known?.identity === identity) return;
  const terms = termsOf(state, state.clusters.keys());
  const isTrusted = !known && (terms.length === 0 || terms.some(({ members }) => members.includes(server)));
  state.standings.set(server, { identity, state: isTrusted ? "whole" : known ? "lost" : "away" });
}

/** The server holds everything: the next epoch that wants it seats it. */
export function applyAdmit(state: MetadataState, { server, identity }: AdmitCommand): void {
  const known = state.standings.get(server);
  if (known?.identity === identity) state.standings.set(server, { identity, state: "whole" });
}
