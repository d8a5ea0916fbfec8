/** Effect of the commands `verify`, `close` and `claimPrimary` (docs/PROTOCOL.md §3.5, §5, §7). */
import {
  type Digest,
  LIMITS,
  type ObjectClusterNumber,
  type ServerName,
  type Slot,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { extendC2, passDigest } from "../digests.ts";
import { type ClaimPrimaryCommand, type CloseCommand, type MasterChange, nameOf } from "./commands.ts";
import {
  type Applied,
  clusterRecord,
  isInSettledEpochs,
  isInvalid,
  MASTERS_KEYS_MAX,
  type MetadataState,
  NONCES_MAX,
} from "./metadata-state.ts";

/**
 * Whether a change may become verified where the verified chains end as `headOf` says. The reporters' votes have been
 * counted by the proposer; this is what must hold whoever proposes (I4, I5, I7).
 */
export function isVerifiable(
  state: MetadataState,
  change: MasterChange,
  headOf: (cluster: ObjectClusterNumber) => Digest | undefined,
): boolean {
  if (state.outcomes.has(change.requestId) || isInvalid(state, change.digest)) return false;
  if (change.links.length === 0 || !isInSettledEpochs(state, change)) return false;
  return change.links.every(({ cluster, follows }) => follows === headOf(cluster));
}

/** Every version written continues its object's chain of verified versions (I5). */
function continuesObjects(state: MetadataState, change: MasterChange): boolean {
  return change.writes.every(({ object, number, parent }) => {
    const head = state.heads.get(object) ?? { number: 0, epoch: 0, c1: ZERO_DIGEST };
    if (parent.number !== head.number || parent.epoch !== head.epoch || parent.c1 !== head.c1) return false;
    return number === head.number + 1;
  });
}

export function applyVerify(
  state: MetadataState,
  change: MasterChange,
  testers: readonly ServerName[],
  slot: Slot,
  applied: Applied,
): void {
  const headOf = (cluster: ObjectClusterNumber) => clusterRecord(state, cluster)?.head;
  if (!isVerifiable(state, change, headOf) || !continuesObjects(state, change)) return;
  const { digest, requestId, attempt, replyDigest, executionServer } = change;
  const { admittedAt } = change;
  state.outcomes.set(requestId, { kind: "verified", change: nameOf(change), replyDigest, admittedAt });
  state.newestAdmission = Math.max(state.newestAdmission, admittedAt);
  state.outcomes.forget(state.newestAdmission - LIMITS.idempotencyWindowMs * LIMITS.idempotencyWindowsKept);
  state.survivors.delete(digest);
  for (const { cluster } of change.links) {
    const record = clusterRecord(state, cluster);
    if (!record) continue;
    if (!change.readOnly) record.head = digest;
    const open = state.openEpochs.get(record.opened.epoch);
    if (open) open.verifiedAt = slot;
  }
  const verdictDigest = passDigest(state.hasher, digest);
  for (const { object, number, epoch, parent, c1 } of change.writes) {
    const previous = state.heads.get(object);
    const c2 = extendC2(state.hasher, previous?.c2 ?? ZERO_DIGEST, c1, verdictDigest);
    state.heads.set(object, { number, epoch, c1, c2, slot });
    applied.versions.push({
      ...{ object, number, epoch, parent, c1, c2, requestId, attempt, executionServer, testers },
      changeDigest: digest,
      previousSlot: previous?.slot ?? 0,
    });
  }
  const clusters = change.links.map(({ cluster }) => cluster);
  const { readOnly } = change;
  applied.decisions.push({ kind: "verified", change: nameOf(change), replyDigest, readOnly, clusters, testers });
}

/** A survivor may still be verified, so its request cannot be closed before it is decided. */
export function applyClose(state: MetadataState, command: CloseCommand, applied: Applied): void {
  const { requestId, home } = command;
  if (state.outcomes.has(requestId)) return;
  for (const survivor of state.survivors.values()) if (survivor.requestId === requestId) return;
  state.outcomes.set(requestId, { kind: "closed", admittedAt: state.newestAdmission });
  applied.decisions.push({ kind: "closed", requestId, home });
}

/** One grant per nonce, so that a repeated claim is the same claim; one grant per slot, which names the epoch. */
export function applyClaimPrimary(
  state: MetadataState,
  command: ClaimPrimaryCommand,
  slot: Slot,
  applied: Applied,
): void {
  const { component, server, nonce, mastersKey } = command;
  if (state.nonces.has(nonce) || state.leases.get(component)?.epoch === slot) return;
  state.nonces.add(nonce);
  for (const oldest of state.nonces) {
    if (state.nonces.size <= NONCES_MAX) break;
    state.nonces.delete(oldest);
  }
  state.leases.set(component, { server, epoch: slot, nonce });
  if (component === "traffic-regulator") {
    state.mastersKeys.set(slot, mastersKey);
    for (const epoch of state.mastersKeys.keys()) {
      if (state.mastersKeys.size > MASTERS_KEYS_MAX) state.mastersKeys.delete(epoch);
    }
  }
  applied.decisions.push({ kind: "primary", component, server, epoch: slot, nonce });
}
