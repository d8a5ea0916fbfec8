/**
 * An object's versions as masters and replicas know them, side by side. Masters say what is verified and by whom; replicas
 * say what they store, with C1 computed from the stored bytes. A version that no master has verified is pending while a
 * replica holds it as such, and invalid once no replica does.
 */
import type { StateVersion } from "../../administration/index.ts";
import type { ObjectDescription, StoredVersionEntry } from "../state-link.ts";

type Described = readonly { readonly server: string; readonly versions: ObjectDescription["versions"] }[];

/** What scrubs found, for one object. */
export interface Marks {
  readonly of: (server: string, record: number | undefined) => "corrupt" | "repaired" | undefined;
  /** Versions that a server cannot read now. */
  readonly corruptVersions: (server: string) => readonly number[];
}

const NO_MARKS: Marks = { of: () => undefined, corruptVersions: () => [] };

export function mergeVersions(
  stored: readonly StoredVersionEntry[],
  described: Described,
  marks: Marks = NO_MARKS,
): StateVersion[] {
  const versions = new Map<string, StateVersion>();
  for (const entry of stored) {
    const { number, epoch, parent, c1, c2, requestId, executionServer, testers, at, attempt, slot, changeDigest } =
      entry;
    versions.set(`${number}.${epoch}`, {
      number,
      epoch,
      parent: parent.number === 0 ? null : { number: parent.number, epoch: parent.epoch },
      status: "verified",
      c1,
      c2,
      requestId,
      executionServer,
      testers: [...testers],
      replicas: [],
      at: new Date(at).toISOString(),
      attempt,
      slot,
      changeDigest,
    });
  }
  for (const { server, versions: held } of described) {
    for (const { number, epoch, c1, status, requestId, executionServer, record } of held) {
      const key = `${number}.${epoch}`;
      const known = versions.get(key) ?? {
        number,
        epoch,
        parent: null,
        status,
        c1,
        c2: null,
        requestId,
        executionServer,
        testers: [],
        replicas: [],
        at: "",
        attempt: null,
        slot: null,
        changeDigest: null,
      };
      const mark = marks.of(server, record);
      known.replicas.push({ server, c1, ...(mark ? { mark } : {}) });
      versions.set(key, known);
    }
  }
  for (const { server } of described) markUnreadable(versions, server, marks.corruptVersions(server));
  const ascending = [...versions.values()].sort(
    (left, right) => left.number - right.number || left.epoch - right.epoch,
  );
  return fillIn(ascending);
}

/** A replica reads an object's versions from the newest back, and ends where it cannot read: what is older is not missing. */
function markUnreadable(versions: ReadonlyMap<string, StateVersion>, server: string, corrupt: readonly number[]): void {
  if (corrupt.length === 0) return;
  const newest = Math.max(...corrupt);
  for (const { number, status, replicas } of versions.values()) {
    if (status !== "verified" || number > newest || replicas.some((copy) => copy.server === server)) continue;
    replicas.push({ server, c1: "", mark: corrupt.includes(number) ? "corrupt" : "unread" });
  }
}

/** What only replicas know has no time and no parent of its own: it comes after the verified version before it. */
function fillIn(versions: readonly StateVersion[]): StateVersion[] {
  let previous: StateVersion | undefined;
  return versions.map((version) => {
    const parent =
      version.parent ?? (version.number > 1 && previous ? { number: previous.number, epoch: previous.epoch } : null);
    const complete = { ...version, parent, at: version.at === "" ? new Date().toISOString() : version.at };
    if (version.status === "verified") previous = version;
    return complete;
  });
}
