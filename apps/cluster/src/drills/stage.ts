/** What all drills of one run share: the manager's ear, the bystanders, and the rules of who may do what at the same time. */
import type { DrillServer, DrillStatus, ManagerChannel } from "./channel.ts";
import { serversOf, until } from "./channel.ts";
import type { SeenRequest } from "./report.ts";
import type { DrillTraffic } from "./traffic.ts";
import { Turns } from "./turns.ts";

export const LEASE_HOLDER = "lease holder";

export interface Escape {
  readonly drill: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
}

/** A wrong reply, asked and answered while nobody knew better. */
export const hasEscaped = (
  { judgement, startedAt, answeredAt }: SeenRequest,
  { from, to }: Omit<Escape, "drill">,
): boolean => judgement === "wrong" && answeredAt >= from && startedAt <= to;

export class Stage {
  readonly channel: ManagerChannel;
  readonly data: string;
  readonly clientUrl: string;
  readonly bystanders: DrillTraffic;
  /** Who misbehaves, or moves leases, does so alone: what is detected must be what this drill did. */
  readonly acting = new Turns();
  /** First balances are not read while something misbehaves that may escape: nobody could tell a wrong one. */
  readonly reading = new Turns();
  readonly #taken = new Set<string>();
  readonly #escapes: Escape[] = [];
  readonly #traffic: Set<DrillTraffic>;

  constructor(parts: Pick<Stage, "channel" | "data" | "clientUrl" | "bystanders">) {
    this.channel = parts.channel;
    this.data = parts.data;
    this.clientUrl = parts.clientUrl;
    this.bystanders = parts.bystanders;
    this.#traffic = new Set([parts.bystanders]);
  }

  /** Load that rests with the others. */
  async withTraffic<Value>(traffic: DrillTraffic, work: () => Promise<Value>): Promise<Value> {
    this.#traffic.add(traffic);
    try {
      return await work();
    } finally {
      this.#traffic.delete(traffic);
    }
  }

  /** While the scene is changed nobody asks: what is inside a server that is put aside would be screened as if it had crashed. */
  async quietly(work: () => Promise<void>): Promise<void> {
    await Promise.all([...this.#traffic].map((traffic) => traffic.rest()));
    try {
      await work();
    } finally {
      for (const traffic of this.#traffic) traffic.resume();
    }
  }

  /**
   * An execution server that no other drill has, and that holds nothing unless no other comes up for a while: whoever ends the
   * holder disturbs the drill that is acting. Give it back when the drill is over.
   */
  async take(): Promise<DrillServer> {
    const spareUntil = Date.now() + SPARE_LIMIT_MS;
    const found = await until(TAKE_LIMIT_MS, async () => {
      const servers = serversOf(await this.channel.status(), "execution-server");
      const free = servers.filter(({ name, state }) => state === "up" && !this.#taken.has(name));
      const spare = free.find(({ role }) => role !== LEASE_HOLDER);
      const chosen = spare ?? (Date.now() > spareUntil ? free[0] : undefined);
      if (chosen) this.#taken.add(chosen.name);
      return chosen;
    });
    if (found === undefined) throw new Error("no execution server is free for a drill");
    return found;
  }

  giveBack(server: string): void {
    this.#taken.delete(server);
  }

  /** For this long something misbehaved of which it is only measured how much escapes: what escaped is that drill's alone. */
  noteEscape(measured: Escape): void {
    this.#escapes.push(measured);
  }

  /**
   * What counts for this drill: what its own clients asked, and what bystanders did while it ran, as far as it is answered; without
   * what escaped in another drill that measures just that.
   */
  seenBy(drill: string, own: readonly SeenRequest[], startedAt: number): readonly SeenRequest[] {
    const others = this.#escapes.filter((measured) => measured.drill !== drill);
    const bystanders = this.bystanders.seen.filter(({ answeredAt }) => answeredAt >= startedAt);
    return [...own, ...bystanders].filter((request) => !others.some((measured) => hasEscaped(request, measured)));
  }
}

const TAKE_LIMIT_MS = 20_000;
const SPARE_LIMIT_MS = 10_000;

export const findServer = (status: DrillStatus, name: string): DrillServer | undefined =>
  status.nodes.flatMap(({ servers }) => servers).find((server) => server.name === name);
