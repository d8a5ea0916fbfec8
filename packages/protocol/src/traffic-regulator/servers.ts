/**
 * The execution servers as the regulator sees them: which process bears each name now, which processes it has discarded,
 * how loaded each is, and how often it failed. Chooses who holds a domain (REQUIREMENTS R34, R84).
 */
import type { RegulatorConfigurationMessage, RequestId, ServerName } from "@redoubt/shared";
import type { Random } from "../core.ts";
import type { TokenBucket } from "../token-bucket.ts";

export interface ExecutionServer {
  readonly server: ServerName;
  readonly incarnation: string;
  readonly publicKey: string;
  /** Requests it runs now. */
  readonly running: Set<RequestId>;
  /** Those of them that run in a worker of their own. */
  readonly alone: Set<RequestId>;
  /** Those of them that were inside something large that ended, and are being sifted. */
  readonly sifted: Set<RequestId>;
  /** What it may still tell of failures; made when it tells the first. */
  told: TokenBucket | undefined;
  /** Testers that were shown results of its which nobody had ordered. */
  readonly inventedBy: Set<ServerName>;
  /** Requests it may hold at a time: few at first, one more with each that ends well ({@link ROOM_FIRST}). */
  room: number;
}

/**
 * What a process that has proved nothing yet is given at once. A new holder meets everything its predecessor left behind;
 * given all of it, on a busy machine it would miss every deadline, be discarded, and leave the same to the next, for ever.
 */
const ROOM_FIRST = 16;
/** More would only wait in its queue while their deadlines run. */
export const ROOM_MAX = 512;

export const growRoom = (server: ExecutionServer): void => {
  server.room = Math.min(ROOM_MAX, server.room + 1);
};

/** Strikes are forgotten one by one. */
const STRIKE_MS = 10 * 60_000;
const DISCARDED_KEPT_MAX = 1_024;

export interface ChoiceRules {
  readonly isPossible?: (server: ExecutionServer) => boolean;
  /** Default: the requests it runs. */
  readonly loadOf?: (server: ExecutionServer) => number;
}

export class ExecutionServers {
  readonly #servers = new Map<ServerName, ExecutionServer>();
  /** `server incarnation` of processes that get no more work, oldest first. */
  readonly #discarded = new Set<string>();
  readonly #strikes = new Map<ServerName, number[]>();

  /** Takes in the manager's list. Returns the processes that are no longer there. */
  configure(list: RegulatorConfigurationMessage["executionServers"]): ExecutionServer[] {
    const gone: ExecutionServer[] = [];
    for (const known of [...this.#servers.values()]) {
      const listed = list.find((entry) => entry.server === known.server);
      if (listed?.incarnation === known.incarnation) continue;
      this.#servers.delete(known.server);
      gone.push(known);
    }
    for (const { server, incarnation, publicKey } of list) {
      if (this.#servers.has(server) || this.#discarded.has(`${server} ${incarnation}`)) continue;
      this.#servers.set(server, {
        server,
        incarnation,
        publicKey,
        running: new Set(),
        alone: new Set(),
        sifted: new Set(),
        told: undefined,
        inventedBy: new Set(),
        room: ROOM_FIRST,
      });
    }
    return gone;
  }

  /** The live process of that name. */
  get(server: ServerName): ExecutionServer | undefined {
    return this.#servers.get(server);
  }

  isLive(server: ServerName, incarnation?: string): boolean {
    const known = this.#servers.get(server);
    return known !== undefined && (incarnation === undefined || known.incarnation === incarnation);
  }

  /** No more work for this process. Returns it when it was live. */
  remove(server: ServerName, incarnation: string): ExecutionServer | undefined {
    this.#discarded.add(`${server} ${incarnation}`);
    if (this.#discarded.size > DISCARDED_KEPT_MAX) {
      const [oldest] = this.#discarded;
      if (oldest !== undefined) this.#discarded.delete(oldest);
    }
    const known = this.#servers.get(server);
    if (known?.incarnation !== incarnation) return undefined;
    this.#servers.delete(server);
    return known;
  }

  /** `server incarnation`, oldest first. */
  get discarded(): readonly string[] {
    return [...this.#discarded];
  }

  restoreDiscarded(discarded: readonly string[]): void {
    for (const process of discarded) this.#discarded.add(process);
    for (const { server, incarnation } of this.live)
      if (this.#discarded.has(`${server} ${incarnation}`)) this.#servers.delete(server);
  }

  strike(server: ServerName, now: number): void {
    const recent = (this.#strikes.get(server) ?? []).filter((at) => now - at < STRIKE_MS).slice(-31);
    this.#strikes.set(server, [...recent, now]);
  }

  strikes(server: ServerName, now: number): number {
    return (this.#strikes.get(server) ?? []).filter((at) => now - at < STRIKE_MS).length;
  }

  /**
   * The live server with the fewest strikes, then the least loaded, then any; `avoid` only where there is no other, and
   * never one that is not possible.
   */
  choose(
    now: number,
    random: Random,
    avoid: ReadonlySet<ServerName>,
    { isPossible = () => true, loadOf = ({ running }) => running.size }: ChoiceRules = {},
  ): ExecutionServer | undefined {
    const live = this.live.filter(isPossible);
    const preferred = live.filter(({ server }) => !avoid.has(server));
    const candidates = (preferred.length > 0 ? preferred : live).map((candidate) => ({
      candidate,
      strikes: this.strikes(candidate.server, now),
      load: loadOf(candidate),
      tie: random(),
    }));
    candidates.sort((left, right) => left.strikes - right.strikes || left.load - right.load || left.tie - right.tie);
    return candidates[0]?.candidate;
  }

  get live(): readonly ExecutionServer[] {
    return [...this.#servers.values()];
  }
}
