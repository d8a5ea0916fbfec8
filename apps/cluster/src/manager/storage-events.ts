/**
 * Damage that replicas found on their disks, for people: an event each, one incident per server while something of it is
 * not repaired (docs/OPERATIONS.md). The masters pass on what they were told, sometimes twice: events are known by number.
 */
import type { DamageEvent, ServerName } from "@redoubt/shared";
import type { ManagerFeed } from "./feed.ts";
import type { Incidents } from "./incidents.ts";

const KNOWN_MAX = 10_000;
/** Damaged records remembered per server, until they are repaired. */
const OPEN_MAX = 4_096;

export class StorageEvents {
  readonly #feed: ManagerFeed;
  readonly #incidents: Incidents;
  readonly #nodeOf: (server: ServerName) => string;
  readonly #known = new Set<string>();
  readonly #open = new Map<ServerName, Set<number>>();

  constructor(feed: ManagerFeed, incidents: Incidents, nodeOf: (server: ServerName) => string) {
    this.#feed = feed;
    this.#incidents = incidents;
    this.#nodeOf = nodeOf;
  }

  take(server: ServerName, events: readonly DamageEvent[]): void {
    for (const event of events) {
      const key = `${server} ${event.identity} ${event.number}`;
      if (this.#known.has(key)) continue;
      this.#known.add(key);
      for (const oldest of this.#known) {
        if (this.#known.size <= KNOWN_MAX) break;
        this.#known.delete(oldest);
      }
      this.#tell(server, event);
    }
  }

  #tell(server: ServerName, { state, record, object, version, at }: DamageEvent): void {
    void this.#feed.record({
      ...{ kind: "storage.damage", severity: state === "found" ? "warning" : "notice", server, state, record, version },
      ...{ node: this.#nodeOf(server), object: object === "" ? null : object, seenAt: new Date(at).toISOString() },
    });
    const open = this.#open.get(server) ?? new Set();
    this.#open.set(server, open);
    if (state === "found" && open.size < OPEN_MAX) open.add(record);
    else open.delete(record);
    const key = `disk-damage:${server}`;
    if (state === "found") {
      void this.#incidents.report({
        ...{ key, kind: "disk-damage", title: `${server} found damage on its disk`, severity: "warning" },
        ...{ subject: server, text: `record ${record} of its journal`, evidence: { record, object, version } },
      });
    } else if (open.size === 0) void this.#incidents.close(key, "everything found was repaired from other members");
  }
}
