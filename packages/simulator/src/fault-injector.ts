/** Makes the faults of a plan happen, counts them, and heals everything in the end. */
import { componentOf, type ServerName } from "@redoubt/shared";
import type { FaultEvent, FaultPlan, Stage } from "./faults.ts";
import type { Host } from "./host.ts";
import type { Network } from "./network.ts";

export interface InjectorSurroundings {
  readonly network: Network;
  readonly hosts: ReadonlyMap<ServerName, Host>;
  readonly later: (delayMs: number, run: () => void) => void;
  readonly count: (kind: string) => void;
  readonly diskLost: (server: ServerName) => void;
  /** A master's database goes away, and what comes back in its place. */
  readonly databaseLost: (server: ServerName, forMs: number, comesBack: Of<"database">["comesBack"]) => void;
  readonly start: (host: Host) => void;
  /** The health monitor sees an execution server die and has another process take its name. */
  readonly executionServerDied: (server: ServerName) => void;
  /** The manager does not name the present holder of leases for so long. */
  readonly wantMembers: (count: number) => void;
  readonly moveLeases: (forMs: number) => void;
}

type Of<Kind extends FaultEvent["kind"]> = Extract<FaultEvent, { kind: Kind }>;

export class FaultInjector {
  readonly #world: InjectorSurroundings;

  constructor(surroundings: InjectorSurroundings) {
    this.#world = surroundings;
  }

  schedule(plan: FaultPlan): void {
    this.#world.network.faults = plan.network;
    for (const event of plan.events) this.#world.later(event.atMs, () => this.#inject(event));
  }

  #inject(event: FaultEvent): void {
    switch (event.kind) {
      case "crash":
        for (const server of event.servers) this.#crash(server, event.lastsMs, "killed");
        return;
      case "crashAtEffect":
        this.#crashAtEffect(event);
        return;
      case "powerCut":
        this.#world.count("powerCuts");
        for (const server of event.servers) this.#crash(server, event.lastsMs, "power-cut");
        return;
      case "leaderCrash":
        this.#crashLeader(event);
        return;
      case "everythingAtOnce":
        this.#world.count("everythingAtOnce");
        for (const server of this.#world.hosts.keys()) this.#crash(server, event.lastsMs, "power-cut");
        return;
      case "partition":
        this.#partition(event);
        return;
      case "linkCut":
        this.#world.count("linkCuts");
        this.#cut([[event.from, event.to]], event.lastsMs);
        return;
      case "ambush":
        this.#ambush(event);
        return;
      case "freeze":
        this.#world.count("freezes");
        this.#world.hosts.get(event.server)?.freeze(event.lastsMs);
        return;
      case "bitFlips":
        this.#flipBits(event);
        return;
      case "wipe":
        this.#wipe(event);
        return;
      case "database":
        this.#world.count(`databases:${event.comesBack}`);
        this.#world.databaseLost(event.server, event.lastsMs, event.comesBack);
        return;
      case "slowDisk":
        this.#slowDisk(event);
        return;
      case "clockJump":
        this.#world.count("clockJumps");
        for (const server of event.servers) this.#world.hosts.get(server)?.disturbClock(event.shiftMs, event.drift);
        return;
      case "memberOrder":
        this.#world.count("memberOrders");
        this.#world.wantMembers(event.members);
        return;
      case "leaseMove":
        this.#world.moveLeases(event.lastsMs);
        return;
      case "script":
        event.run(this.#stage);
    }
  }

  get #stage(): Stage {
    const { hosts, later, network } = this.#world;
    return {
      hosts,
      later,
      cut: (links) => {
        for (const [from, to] of links) network.cut(from, to);
        return () => {
          for (const [from, to] of links) network.mend(from, to);
        };
      },
      lose: (kind) => network.lose(kind),
      wipe: (server, lastsMs) => this.#wipe({ kind: "wipe", server, lastsMs, atMs: 0 }),
      crash: (server, lastsMs, how) => this.#crash(server, lastsMs, how),
      moveLeases: (forMs) => this.#world.moveLeases(forMs),
    };
  }

  #crashAtEffect({ server, effects, only, lastsMs }: Of<"crashAtEffect">): void {
    const host = this.#world.hosts.get(server);
    host?.crashAfter(effects, only, (effect) => {
      this.#world.count(`crashAt:${host.component}:${effect}`);
      this.#crash(server, lastsMs, "killed");
    });
  }

  #crashLeader(event: Of<"leaderCrash">): void {
    for (const host of this.#world.hosts.values()) {
      // The faults may look into a core, to hit where it hurts; the checkers may not.
      const isLeader = host.component === "state-master" && "isPrimary" in host.core && host.core.isPrimary === true;
      if (!isLeader || !host.running) continue;
      this.#world.count("leaderCrashes");
      this.#crash(host.server, event.lastsMs, "killed");
    }
  }

  #crash(server: ServerName, lastsMs: number, how: "killed" | "power-cut"): void {
    const host = this.#world.hosts.get(server);
    if (!host?.running) return;
    this.#world.count("crashes");
    const { torn, tail } = host.crash(how);
    if (torn > 0) this.#world.count("tornWrites");
    if (tail > 0) this.#world.count("lostTails");
    if (componentOf(server) === "execution-server") {
      this.#world.executionServerDied(server);
      return;
    }
    const life = host.life;
    this.#world.later(lastsMs, () => {
      if (!host.running && host.life === life) this.#world.start(host);
    });
  }

  #partition({ side, oneWay, lastsMs }: Of<"partition">): void {
    this.#world.count(oneWay ? "oneWayPartitions" : "partitions");
    const inside = new Set(side);
    const links: [string, string][] = [];
    for (const here of inside) {
      for (const there of this.#world.hosts.keys()) {
        if (inside.has(there)) continue;
        links.push([here, there]);
        if (!oneWay) links.push([there, here]);
      }
    }
    this.#cut(links, lastsMs);
  }

  #cut(links: readonly (readonly [string, string])[], lastsMs: number): void {
    const { network, later } = this.#world;
    for (const [from, to] of links) network.cut(from, to);
    later(lastsMs, () => {
      for (const [from, to] of links) network.mend(from, to);
    });
  }

  #ambush({ starved, late, targets, lastsMs }: Of<"ambush">): void {
    const { executionServers, masters, replicas } = targets;
    this.#world.count("ambushes");
    this.#cut(pairs(executionServers, [starved]), lastsMs);
    this.#cut(pairs(replicas, masters), lastsMs);
    this.#cut(pairs([late], masters), 2 * lastsMs);
    this.#world.later(lastsMs, () => {
      for (const server of executionServers) this.#crash(server, 0, "killed");
    });
  }

  #flipBits({ server, places }: Of<"bitFlips">): void {
    const disk = this.#world.hosts.get(server)?.disk;
    for (const place of places) {
      if (!disk || disk.syncedCount === 0) return;
      this.#world.count("bitFlips");
      disk.damage(Math.floor(place * disk.syncedCount));
    }
  }

  /** Also of a host that is down at the moment. */
  #wipe({ server, lastsMs }: Of<"wipe">): void {
    const host = this.#world.hosts.get(server);
    if (!host) return;
    this.#world.count(host.component === "state-master" ? "wipedMasters" : "wipes");
    this.#crash(server, lastsMs, "killed");
    host.disk.wipe();
    this.#world.diskLost(server);
  }

  #slowDisk({ server, syncMs, lastsMs }: Of<"slowDisk">): void {
    const host = this.#world.hosts.get(server);
    if (!host) return;
    this.#world.count("slowDisks");
    host.syncMs = syncMs;
    this.#world.later(lastsMs, () => host.healDisk());
  }

  heal(): void {
    this.#world.network.heal();
    for (const host of this.#world.hosts.values()) {
      host.heal();
      host.thaw();
      if (!host.running && host.component !== "execution-server") this.#world.start(host);
    }
  }
}

const pairs = (from: readonly ServerName[], to: readonly ServerName[]): [string, string][] =>
  from.flatMap((here) => to.map((there): [string, string] => [here, there]));
