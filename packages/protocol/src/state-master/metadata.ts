/**
 * The replicated state machine of the masters: one command after the other, in slot order, with the same effect on
 * every master. A command that finds its conditions no longer true has no effect and decides nothing.
 */
import { ByteWriter, type Digest, type Slot, unreachable, ZERO_DIGEST } from "@redoubt/shared";
import { toRanges } from "../ranges.ts";
import type { MasterCommand } from "./commands.ts";
import { applyAdmit, applyIdentify } from "./membership.ts";
import { applyOpenEpoch, applySettle } from "./metadata-epochs.ts";
import { applyClaimPrimary, applyClose, applyVerify } from "./metadata-outcomes.ts";
import type { Applied, ClusterRecord, EpochTerms, MetadataState } from "./metadata-state.ts";
import type { PlacementEntry } from "./types.ts";

/** Applies one command of a slot and adds what it decided to `applied`. */
export function applyCommand(state: MetadataState, command: MasterCommand, slot: Slot, applied: Applied): void {
  switch (command.kind) {
    case "openEpoch":
      applyOpenEpoch(state, command, slot, applied);
      break;
    case "settle":
      applySettle(state, command, slot, applied);
      break;
    case "verify":
      for (const { change, testers } of command.changes) applyVerify(state, change, testers, slot, applied);
      break;
    case "close":
      applyClose(state, command, applied);
      break;
    case "claimPrimary":
      applyClaimPrimary(state, command, slot, applied);
      break;
    case "identify":
      applyIdentify(state, command);
      break;
    case "admit":
      applyAdmit(state, command);
      break;
    default:
      unreachable(command);
  }
}

function describeSeats(state: MetadataState, { members, vacant, wanted }: EpochTerms) {
  const without = wanted.members.filter((server) => !members.includes(server));
  const isLost = (server: string): boolean => state.standings.get(server)?.state === "lost";
  return { joining: without, struckOff: without.filter(isLost), vacant };
}

/** Clusters grouped by their epochs, ascending by first cluster. */
export function describePlacement(state: MetadataState): PlacementEntry[] {
  const groups = new Map<string, { readonly record: ClusterRecord; readonly clusters: number[] }>();
  for (const [cluster, record] of state.clusters.entries()) {
    const key = `${record.opened.epoch}/${record.settled.epoch}`;
    const group = groups.get(key) ?? { record, clusters: [] };
    group.clusters.push(cluster);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ record, clusters }) => ({
    clusters: toRanges(clusters),
    epoch: record.opened.epoch,
    settledEpoch: record.settled.epoch,
    holder: record.opened.holder,
    members: record.opened.members,
    faultsTolerated: record.opened.faultsTolerated,
    ...describeSeats(state, record.opened),
  }));
}

/** Bytes hashed at once, so that a large state needs no large buffer. */
const DIGEST_CHUNK_ITEMS = 1024;

/** Digest over clusters, heads and outcomes, independent of the order in which they came. */
export function digestMetadata(state: MetadataState): Digest {
  const parts = [
    state.clusters.map(
      ({ opened, settled, head }) => `${opened.epoch} ${opened.holder} ${opened.members} ${settled.epoch} ${head}`,
    ),
    [...state.heads]
      .map(([object, head]) => `${object} ${head.number} ${head.epoch} ${head.c1} ${head.c2} ${head.slot}`)
      .sort(),
    [...state.outcomes]
      .map(([id, outcome]) => `${id} ${outcome.kind === "verified" ? outcome.change.digest : "closed"}`)
      .sort(),
    [...state.survivors.keys()].sort(),
    [...state.standings].map(([server, { identity, state: standing }]) => `${server} ${identity} ${standing}`).sort(),
  ];
  let digest = ZERO_DIGEST;
  for (const lines of parts) {
    for (let at = 0; at <= lines.length; at += DIGEST_CHUNK_ITEMS) {
      const writer = new ByteWriter().text("metadata").digest(digest);
      writer.list(lines.slice(at, at + DIGEST_CHUNK_ITEMS), (line) => writer.text(line));
      digest = state.hasher.sha256(writer.finish());
    }
  }
  return digest;
}
