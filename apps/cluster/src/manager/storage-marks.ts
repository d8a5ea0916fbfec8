/**
 * Which stored versions replicas found damaged on their disks, and which of these they have repaired: marks for the state
 * explorer, by the number of the record in the replica's journal. In memory and bounded: after the manager's own restart
 * they are made again from what its feed tells.
 */
import type { DamageEvent, FeedEventOf, ServerName } from "@redoubt/shared";

const MARKS_MAX = 20_000;
/** How far back the feed is read for them. */
export const MARKS_RESTORED_MAX = 5_000;

export interface StorageMark {
  readonly server: ServerName;
  readonly record: number;
  readonly state: "corrupt" | "repaired";
  /** One of the objects of the record; empty when that is not known. */
  readonly object: string;
  readonly version: number;
}

export class StorageMarks {
  /** By server and record, the newest last. */
  readonly #marks = new Map<string, StorageMark>();

  take(server: ServerName, events: readonly Omit<DamageEvent, "number" | "identity" | "at">[]): void {
    for (const { state, record, object, version } of events) {
      const key = `${server} ${record}`;
      const before = this.#marks.get(key);
      this.#marks.delete(key);
      this.#marks.set(key, {
        ...{ server, record, state: state === "found" ? "corrupt" : "repaired" },
        // What was damaged is sometimes only known once it is repaired, and the other way round.
        ...(object === "" && before ? { object: before.object, version: before.version } : { object, version }),
      });
    }
    for (const oldest of this.#marks.keys()) {
      if (this.#marks.size <= MARKS_MAX) break;
      this.#marks.delete(oldest);
    }
  }

  /** Events of the feed, newest first; what was taken since this process started is newer than all of them. */
  restore(told: readonly FeedEventOf<"storage.damage">[]): void {
    const since = [...this.#marks.values()];
    this.#marks.clear();
    for (const { server, state, record, object, version } of told.toReversed())
      this.take(server, [{ state, record, object: object ?? "", version }]);
    for (const { server, state, record, object, version } of since)
      this.take(server, [{ state: state === "corrupt" ? "found" : "repaired", record, object, version }]);
  }

  of(server: ServerName, record: number | undefined): StorageMark["state"] | undefined {
    return record === undefined ? undefined : this.#marks.get(`${server} ${record}`)?.state;
  }

  /** Versions of an object that cannot be read on a server now, as far as they are known by name. */
  corruptVersions(server: ServerName, object: string): number[] {
    return [...this.#marks.values()]
      .filter((mark) => mark.server === server && mark.object === object && mark.state === "corrupt")
      .map(({ version }) => version);
  }
}
