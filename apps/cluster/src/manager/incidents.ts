/** Incidents: opened once per key, further reports folded in, closed with a line that says why. Each opening and closing is an event. */
import { randomUUID } from "node:crypto";
import type { Incident } from "@redoubt/database";
import type { IncidentFact } from "@redoubt/protocol";
import type { Logger } from "pino";
import type { ManagerDatabase } from "./database.ts";
import type { ManagerFeed } from "./feed.ts";

/** A discarded server about which no verdict comes: its replacement works, and nobody was blamed. */
const VERDICT_LIMIT_MS = 10 * 60_000;
const OPEN_READ_MAX = 500;

export class Incidents {
  readonly #database: ManagerDatabase;
  readonly #feed: ManagerFeed;
  readonly #log: Logger;
  #tail: Promise<void> = Promise.resolve();

  constructor(database: ManagerDatabase, feed: ManagerFeed, log: Logger) {
    this.#database = database;
    this.#feed = feed;
    this.#log = log;
  }

  /** One after the other, in the order of the calls; resolves when recorded. */
  report(fact: IncidentFact): Promise<void> {
    return this.#inOrder(async () => {
      const at = new Date();
      const id = randomUUID();
      const { incident, opened } = await this.#database.persistently((store) =>
        store.incidents.report({ ...fact, id, at }),
      );
      if (!opened) return;
      const { title, severity, subject } = fact;
      void this.#feed.record({ kind: "incident.opened", severity, incidentId: incident.id, title, subject });
    });
  }

  close(key: string, text: string): Promise<void> {
    return this.#inOrder(() => this.#close(key, text));
  }

  /** Closes every incident of this kind about this subject. */
  closeAbout(kind: string, subject: string, text: string): Promise<void> {
    return this.#inOrder(async () => {
      for (const incident of await this.#open(kind))
        if (incident.subject === subject) await this.#close(incident.key, text);
    });
  }

  /** Closes the incident of a server that was discarded over this request. Returns that server's name through `told`. */
  exonerate(requestId: string, text: string, told: (server: string) => void): Promise<void> {
    return this.#inOrder(async () => {
      const open = await this.#open("server-discarded");
      for (const incident of open) {
        if ((incident.evidence as { requestId?: unknown } | null)?.requestId !== requestId) continue;
        await this.#close(incident.key, text);
        told(incident.subject);
      }
    });
  }

  /** Housekeeping: what waits for a verdict that does not come. */
  closeUndecided(): Promise<void> {
    return this.#inOrder(async () => {
      for (const incident of await this.#open("server-discarded")) {
        if (Date.now() - incident.openedAt.getTime() < VERDICT_LIMIT_MS) continue;
        await this.#close(incident.key, "replaced; nothing further was found against server or request");
      }
    });
  }

  async #open(kind: string): Promise<Incident[]> {
    const open = await this.#database.persistently((store) =>
      store.incidents.list({ limit: OPEN_READ_MAX, openOnly: true }),
    );
    return open.filter((incident) => incident.kind === kind);
  }

  async #close(key: string, text: string): Promise<void> {
    const closed = await this.#database.persistently((store) => store.incidents.close(key, text, new Date()));
    if (closed === null) return;
    const { id, title, subject, openedAt, closedAt } = closed;
    const durationMs = Math.max(0, (closedAt ?? new Date()).getTime() - openedAt.getTime());
    void this.#feed.record({ kind: "incident.closed", severity: "info", incidentId: id, title, subject, durationMs });
  }

  #inOrder(work: () => Promise<void>): Promise<void> {
    this.#tail = this.#tail.then(work).catch((error: unknown) => {
      this.#log.error({ error: error instanceof Error ? error.message : error }, "an incident could not be recorded");
    });
    return this.#tail;
  }
}
