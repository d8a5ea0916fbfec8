/**
 * Versions of objects. A version is appended when its change is accepted and never overwritten; only versions of dropped
 * changes leave the chain, newest first, into a short list kept for the administrator (I1, I5). Version n of an object
 * is at index n − 1, since numbers follow the parent's. It knows nothing of epochs' rules or of requests.
 */
import {
  assert,
  type Digest,
  type ServerName,
  type StoredVersion,
  type VersionReference,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { absent } from "../digests.ts";

export type VersionStatus = "pending" | "verified" | "invalid";

export interface ObjectVersion {
  readonly stored: StoredVersion;
  readonly change: Digest;
  readonly executionServer: ServerName;
  status: VersionStatus;
}

/** Versions of dropped changes remembered per object. */
const DROPPED_VERSIONS_MAX = 16;

interface ObjectHistory {
  readonly versions: ObjectVersion[];
  readonly dropped: ObjectVersion[];
}

export const referenceTo = ({ object, number, epoch, c1 }: StoredVersion): VersionReference => ({
  object,
  number,
  epoch,
  c1,
});

export class ObjectStore {
  readonly #objects = new Map<string, ObjectHistory>();

  newest(object: string): StoredVersion | undefined {
    return this.#objects.get(object)?.versions.at(-1)?.stored;
  }

  newestReference(object: string): VersionReference {
    const newest = this.newest(object);
    return newest ? referenceTo(newest) : absent(object);
  }

  /** The version of exactly this identity and C1, whatever its status; undefined when it is not stored here. */
  find(reference: VersionReference): StoredVersion | undefined {
    const stored = this.#objects.get(reference.object)?.versions[reference.number - 1]?.stored;
    return stored && stored.epoch === reference.epoch && stored.c1 === reference.c1 ? stored : undefined;
  }

  /** Bytes of a version named by a change; null: it names "absent". Undefined when it is not stored here. */
  bytesOf(reference: VersionReference): string | null | undefined {
    if (reference.number === 0) return reference.c1 === ZERO_DIGEST ? null : undefined;
    return this.find(reference)?.bytes;
  }

  append(version: ObjectVersion): void {
    const { object, number, parent } = version.stored;
    let history = this.#objects.get(object);
    if (!history) {
      history = { versions: [], dropped: [] };
      this.#objects.set(object, history);
    }
    const newest = history.versions.at(-1)?.stored;
    assert(number === history.versions.length + 1, `version ${number} of ${object} is out of turn (I5)`);
    assert(parent.c1 === (newest?.c1 ?? ZERO_DIGEST), `version ${number} of ${object} has another parent (I5)`);
    history.versions.push(version);
  }

  verify(object: string, number: number): void {
    const version = this.#objects.get(object)?.versions[number - 1];
    assert(version, `verified version ${number} of ${object} is not here`);
    version.status = "verified";
  }

  /** Takes the newest version out of the chain; it must be this change's and not verified. */
  drop(object: string, change: Digest): void {
    const history = this.#objects.get(object);
    const version = history?.versions.at(-1);
    assert(history && version?.change === change, `only the newest version of ${object} can be dropped`);
    assert(version.status === "pending", `a verified version of ${object} cannot be dropped (I3)`);
    history.versions.pop();
    version.status = "invalid";
    history.dropped.push(version);
    if (history.dropped.length > DROPPED_VERSIONS_MAX) history.dropped.shift();
  }

  /** Versions in the chain, then those that were dropped. */
  versionsOf(object: string): readonly ObjectVersion[] {
    const history = this.#objects.get(object);
    return history ? [...history.versions, ...history.dropped] : [];
  }

  /** For checkers: every object's name. */
  names(): IterableIterator<string> {
    return this.#objects.keys();
  }
}
