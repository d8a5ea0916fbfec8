/**
 * Counts members' answers to one fetch. A newest version, an absence or a tip counts when t+1 members say the same; a
 * version asked for by its C1 when one answer's bytes have that C1. Later answers of a member replace its earlier ones.
 */
import type {
  Digest,
  FetchedMessage,
  ObjectClusterNumber,
  ServerName,
  StoredVersion,
  VersionReference,
} from "@redoubt/shared";
import type { Hasher } from "../core.ts";
import { hasRightC1 } from "../well-formed.ts";

const keyOf = (version: StoredVersion | null): string =>
  version === null ? "absent" : `${version.number}:${version.epoch}:${version.c1}`;

type Votes<Value> = Map<ServerName, { readonly key: string; readonly value: Value }>;

/** The value that `quorum` members agree on, or undefined. */
function agreed<Value>(votes: Votes<Value> | undefined, quorum: number): { readonly value: Value } | undefined {
  if (!votes) return undefined;
  const counts = new Map<string, number>();
  for (const vote of votes.values()) {
    const count = (counts.get(vote.key) ?? 0) + 1;
    if (count >= quorum) return { value: vote.value };
    counts.set(vote.key, count);
  }
  return undefined;
}

function votesOf<Key, Value>(table: Map<Key, Votes<Value>>, key: Key): Votes<Value> {
  const votes = table.get(key) ?? new Map();
  table.set(key, votes);
  return votes;
}

export class FetchTally {
  readonly #hasher: Hasher;
  readonly #quorum: number;
  readonly #objects = new Map<string, Votes<StoredVersion | null>>();
  readonly #tips = new Map<ObjectClusterNumber, Votes<Digest>>();
  readonly #exact = new Map<string, StoredVersion>();
  /** Members that do not have the version asked for by its C1. */
  readonly #lacking = new Map<string, Set<ServerName>>();

  /** `quorum`: t+1. */
  constructor(hasher: Hasher, quorum: number) {
    this.#hasher = hasher;
    this.#quorum = quorum;
  }

  /**
   * `wanted` are the objects whose newest version is wanted from this member, `at` the versions wanted by C1, `clusters`
   * the ones it may speak for; anything else in the answer is ignored.
   */
  add(
    from: ServerName,
    { objects, tips }: FetchedMessage,
    wanted: ReadonlySet<string>,
    at: ReadonlyMap<string, VersionReference>,
    clusters: ReadonlySet<ObjectClusterNumber>,
  ): void {
    for (const { object, version } of objects) {
      if (version !== null && (version.object !== object || !hasRightC1(this.#hasher, version))) continue;
      const reference = at.get(object);
      if (wanted.has(object)) votesOf(this.#objects, object).set(from, { key: keyOf(version), value: version });
      else if (reference && version === null)
        this.#lacking.set(object, (this.#lacking.get(object) ?? new Set()).add(from));
      else if (version && reference && reference.c1 === version.c1) this.#exact.set(object, version);
    }
    for (const { cluster, follows } of tips)
      if (clusters.has(cluster)) votesOf(this.#tips, cluster).set(from, { key: follows, value: follows });
  }

  newest(object: string): { readonly value: StoredVersion | null } | undefined {
    return agreed(this.#objects.get(object), this.#quorum);
  }

  exact(object: string): StoredVersion | undefined {
    return this.#exact.get(object);
  }

  /** Some version asked for by its C1 is not to be had: t+1 members lack it, as they do when it became void. */
  get isHopeless(): boolean {
    for (const [object, members] of this.#lacking)
      if (members.size >= this.#quorum && !this.#exact.has(object)) return true;
    return false;
  }

  tip(cluster: ObjectClusterNumber): { readonly value: Digest } | undefined {
    return agreed(this.#tips.get(cluster), this.#quorum);
  }
}
