/** A test from a record and versions that members sent; nothing of it is believed that a C1 does not prove. */
import type { ChangeRecord, LoggedAccess, StoredVersion, VersionReference } from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import type { AcceptanceTestEffect, TestedRead, TestedWrite } from "../application-port.ts";
import type { Hasher } from "../core.ts";
import { hasRightC1 } from "../well-formed.ts";

const keyOf = ({ object, number, epoch, c1 }: VersionReference): string => `${number}:${epoch}:${c1}:${object}`;

/** Versions whose bytes have the C1 they are named by. */
export class ProvenVersions {
  readonly #versions = new Map<string, StoredVersion>();
  readonly #hasher: Hasher;

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** Keeps those of `versions` that are among `wanted` and prove right. */
  add(versions: readonly StoredVersion[], wanted: readonly VersionReference[]): void {
    const keys = new Set(wanted.map(keyOf));
    for (const version of versions) {
      const key = keyOf(version);
      if (keys.has(key) && !this.#versions.has(key) && hasRightC1(this.#hasher, version))
        this.#versions.set(key, version);
    }
  }

  /** Null: the reference names "absent"; undefined: not here. */
  bytesOf(reference: VersionReference): string | null | undefined {
    if (reference.number === 0) return reference.c1 === ZERO_DIGEST ? null : undefined;
    return this.#versions.get(keyOf(reference))?.bytes;
  }
}

/** Versions a change starts from: those it read and the parents of those it wrote. */
export const startingVersions = (record: ChangeRecord): VersionReference[] =>
  [...record.reads, ...record.writes.map(({ object, parent }) => ({ object, ...parent }))].filter(
    (reference) => reference.number > 0,
  );

export function composeTest(
  test: string,
  record: ChangeRecord,
  versions: ProvenVersions,
  fetched: readonly LoggedAccess[] = [],
): AcceptanceTestEffect | undefined {
  const reads: TestedRead[] = [];
  const writes: TestedWrite[] = [];
  for (const read of record.reads) {
    const bytes = versions.bytesOf(read);
    if (bytes === undefined) return undefined;
    reads.push({ object: read.object, bytes });
  }
  for (const { object, parent, bytes } of record.writes) {
    const before = versions.bytesOf({ object, ...parent });
    if (before === undefined) return undefined;
    writes.push({ object, before, after: bytes });
  }
  const { executionServer, requestId, attempt, applicationVersion, operation, principal, now } = record.ticket.body;
  const { input, reply } = record;
  const accesses = [
    ...fetched,
    ...record.reads.map(({ object }) => ({ object, mode: "read", granted: true }) as const),
    ...record.writes.map(({ object }) => ({ object, mode: "write", granted: true }) as const),
  ];
  const named = { executionServer, requestId, attempt, applicationVersion, operation, input, principal, now };
  return { kind: "test", test, ...named, reads, writes, accesses, reply };
}
