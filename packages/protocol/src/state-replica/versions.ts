/**
 * Versions that are not the newest ones: found by walking an object's chain back from its newest version, from record to
 * record, by the request ids that wrote the versions before (`ChangePlace.parents`).
 */
import { type StoredVersion, type VersionReference, ZERO_DIGEST } from "@redoubt/shared";
import { type ChangeEntry, versionAt } from "./change-entry.ts";
import type { Needs, Newest, ObjectVersion } from "./object-store.ts";
import type { ReplicaStore } from "./store.ts";

/** Versions a walk goes back; what lies further back is asked for by nobody honest. */
const WALK_MAX = 64;

const isVersion = (stored: StoredVersion, reference: VersionReference): boolean =>
  stored.number === reference.number && stored.epoch === reference.epoch && stored.c1 === reference.c1;

/**
 * The version of exactly this identity and C1, whatever its status; `version: undefined` when it is not stored here (or
 * lies far back). Undefined: records are missing.
 */
export function findVersion(store: ReplicaStore, reference: VersionReference, needs: Needs): Newest {
  const { object, number } = reference;
  if (number < 1) return { version: undefined };
  const pending = store.objects.pendingOf(object).find((stored) => stored.number === number);
  if (pending) return { version: isVersion(pending, reference) ? pending : undefined };
  const head = store.objects.verifiedHead(object, needs);
  if (!head) return undefined;
  let version = head.version;
  for (let step = 0; version && version.number > number; step++) {
    if (step === WALK_MAX) return { version: undefined };
    const entry = store.byRequest(version.requestId, needs);
    const before: Newest = entry && versionBefore(store, entry, object, needs);
    if (!before) return needs.size > 0 ? undefined : { version: undefined };
    version = before.version;
  }
  return { version: version && isVersion(version, reference) ? version : undefined };
}

/** The version of this object that the change continues. */
export function versionBefore(store: ReplicaStore, entry: ChangeEntry, object: string, needs: Needs): Newest {
  const index = entry.record.writes.findIndex((write) => write.object === object);
  const parent = entry.place?.parents[index];
  if (!parent) return { version: undefined };
  const writer = store.byRequest(parent, needs);
  if (!writer) return undefined;
  return {
    version: versionAt(
      writer,
      writer.record.writes.findIndex((write) => write.object === object),
    ),
  };
}

/** Bytes of a version named by a change; null: it names "absent". `bytes: undefined`: not stored here. */
export function bytesOfVersion(
  store: ReplicaStore,
  reference: VersionReference,
  needs: Needs,
): { readonly bytes: string | null | undefined } | undefined {
  if (reference.number === 0) return { bytes: reference.c1 === ZERO_DIGEST ? null : undefined };
  const found = findVersion(store, reference, needs);
  return found && { bytes: found.version?.bytes };
}

/** Versions in the chain, oldest first, as far back as they are in memory; then those of dropped changes. */
export function versionsInMemory(store: ReplicaStore, object: string): ObjectVersion[] {
  const chain: ObjectVersion[] = [];
  const needs: Needs = new Set();
  let version = store.objects.verifiedHead(object, needs)?.version;
  while (version) {
    const entry = store.byRequest(version.requestId, needs);
    if (!entry) break;
    const { executionServer } = entry.record.ticket.body;
    chain.push({ stored: version, change: entry.digest, executionServer, status: "verified" });
    version = versionBefore(store, entry, object, needs)?.version;
  }
  return [...chain.reverse(), ...store.objects.unverifiedOf(object)];
}
