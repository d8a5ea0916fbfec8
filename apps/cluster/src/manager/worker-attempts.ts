/**
 * What was tried in workers and may not be, for people: an event for each kind of attempt of a request, and one incident per
 * server. The reports come from execution servers, which are not trusted: they are bounded here, say nothing of other
 * servers, and nothing follows from them but that somebody looks.
 */
import type { AttemptReport, ServerName } from "@redoubt/shared";
import { portsOf } from "../runtime/ports.ts";
import type { ManagerFeed } from "./feed.ts";
import type { Incidents } from "./incidents.ts";

/** Equal attempts are told again after this long, with their number. */
const REPEAT_MS = 10_000;
/** Events about attempts in one server per {@link REPEAT_MS}; the rest are counted in the next ones. */
const EVENTS_MAX = 50;
const KNOWN_MAX = 2_000;

export interface AttemptParts {
  readonly feed: Pick<ManagerFeed, "record">;
  readonly incidents: Pick<Incidents, "report">;
  /** Is this one of the cluster's own databases? */
  readonly isDatabase: (target: string) => boolean;
  readonly now?: () => number;
}

interface Known {
  untold: number;
  toldAtMs: number;
}

export class WorkerAttempts {
  readonly #parts: AttemptParts;
  readonly #now: () => number;
  /** Newest last. */
  readonly #known = new Map<string, Known>();
  readonly #told = new Map<ServerName, { sinceMs: number; events: number }>();

  constructor(parts: AttemptParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
  }

  take({ server, node }: { server: ServerName; node: string }, attempts: readonly AttemptReport[]): void {
    for (const attempt of attempts) {
      const isDatabase = attempt.act === "network" && this.#parts.isDatabase(attempt.target);
      this.#tell(server, node, isDatabase ? { ...attempt, act: "database" } : attempt);
    }
  }

  #tell(server: ServerName, node: string, attempt: AttemptReport): void {
    const { act, target, witness, operation, requestId } = attempt;
    const now = this.#now();
    const key = [server, act, target, operation, requestId].join("\n");
    const known = this.#known.get(key) ?? { untold: 0, toldAtMs: Number.NEGATIVE_INFINITY };
    known.untold += attempt.count;
    this.#remember(key, known);
    if (now - known.toldAtMs < REPEAT_MS || !this.#hasRoom(server, now)) return;
    known.toldAtMs = now;
    const count = known.untold;
    known.untold = 0;
    const severity = witness === "kernel" || act === "database" ? "critical" : "warning";
    void this.#parts.feed.record({
      ...{ kind: "worker.attempt", severity, server, node, act, target, witness, operation, requestId, count },
    });
    void this.#parts.incidents.report({
      key: `worker-attempt:${server}`,
      kind: "worker-attempt",
      title: `Code in a worker of ${server} tried what it may not`,
      severity: "warning",
      subject: server,
      text: `${operation ?? "the application"} tried ${act}: ${target} (seen by the ${witness})`,
      evidence: { act, target, witness, operation: operation ?? "", requestId: requestId ?? "" },
    });
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size <= KNOWN_MAX) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #hasRoom(server: ServerName, now: number): boolean {
    const told = this.#told.get(server);
    if (!told || now - told.sinceMs >= REPEAT_MS) {
      this.#told.set(server, { sinceMs: now, events: 1 });
      return true;
    }
    told.events++;
    return told.events <= EVENTS_MAX;
  }
}

/** Is a target, as a worker's watch names it, one of the databases of the cluster with this base of ports? */
export function isDatabase(target: string, portBase: number): boolean {
  if (target.includes("/.s.PGSQL.")) return true;
  const port = Number(/:(\d+)$/.exec(target)?.[1]);
  const { masterPostgres, authPostgres } = portsOf(portBase);
  return port >= masterPostgres(1) && port <= authPostgres;
}
