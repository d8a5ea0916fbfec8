/**
 * The part of configuration manager and node agents that the request path cannot do without: it tells the regulator
 * which execution servers there are, ends the processes the regulator discards, and starts everything again that died.
 * Trusted and scripted, as in the fault model; the real one is tested on a real cluster.
 */
import { faultsToleratedBy } from "@redoubt/protocol";
import type { AnyMessage, RegulatorFact, RequestId, ServerName } from "@redoubt/shared";
import type { SeededRandom } from "./random.ts";

/** Of replies released in the basic profile: often, so that every world sees some. */
const AUDIT_PERCENT = 20;

export interface ManagerSurroundings {
  readonly later: (delayMs: number, run: () => void) => void;
  readonly sendToRegulator: (message: AnyMessage) => void;
  /** Ends the process and starts a new one of the same name; returns the new incarnation when it runs. */
  readonly replace: (server: ServerName, afterMs: number, started: (incarnation: string) => void) => void;
  readonly versionChosen: () => void;
  readonly fact: (fact: RegulatorFact) => void;
  /** An administrator orders the release of a held request. */
  readonly releases: (requestId: RequestId) => void;
}

export interface ManagerPlan {
  readonly executionServers: readonly ServerName[];
  readonly acceptanceTestServers: readonly ServerName[];
  /** Every state replica. */
  readonly members: readonly ServerName[];
  /** How many of them are wanted as members at first; all where absent. */
  readonly wantedMembers?: number;
  readonly masters: readonly ServerName[];
  readonly faultsTolerated: number;
  /** Versions of the application that take each other's place; the first admits requests at first. */
  readonly versions: readonly string[];
  readonly profile: "optimized" | "basic";
  readonly clients: readonly {
    readonly id: string;
    readonly name: string;
    readonly keyHash: string;
    readonly roles: readonly string[];
  }[];
}

export class SimulatedManager {
  readonly #plan: ManagerPlan;
  /** So many of the replicas are to be members. */
  #wanted: number;
  readonly #surroundings: ManagerSurroundings;
  readonly #random: SeededRandom;
  readonly #incarnations = new Map<ServerName, string>();
  /** Execution servers that are not to be given work for a while. */
  readonly #withheld = new Set<ServerName>();
  #version = 1;
  #factsThrough = 0;
  /** Order of the newest choice among the versions. */
  #order = 0;

  constructor(plan: ManagerPlan, random: SeededRandom, surroundings: ManagerSurroundings) {
    this.#plan = plan;
    this.#wanted = plan.wantedMembers ?? plan.members.length;
    this.#random = random;
    this.#surroundings = surroundings;
    for (const server of plan.executionServers) this.#incarnations.set(server, `${server}/1`);
  }

  start(): void {
    if (this.#plan.versions.length > 1) this.#chooseLater();
    this.#repeat();
  }

  #repeat(): void {
    this.#configure();
    this.#surroundings.later(200, () => this.#repeat());
  }

  /** Forward, back, forward …, under whatever else goes on. */
  #chooseLater(): void {
    this.#surroundings.later(this.#random.between(100, 900), () => {
      this.#order += 1;
      this.#surroundings.versionChosen();
      this.#configure();
      this.#chooseLater();
    });
  }

  get #choice() {
    const { versions } = this.#plan;
    if (this.#order === 0) return {};
    const at = (order: number): string => versions[order % versions.length] as string;
    const isForward = this.#order % versions.length !== 0;
    return {
      application: {
        ...{ order: this.#order, current: at(this.#order), trialRequests: 100 },
        ...(isForward ? { replaces: at(this.#order - 1) } : {}),
      },
    };
  }

  receive(message: AnyMessage): void {
    if (message.kind !== "regulatorFacts") return;
    for (const { number, fact } of message.facts) {
      if (number !== this.#factsThrough + 1) continue;
      this.#factsThrough = number;
      this.#surroundings.fact(fact);
      if (fact.kind === "quarantined" && fact.state === "held") this.#decide(fact.requestId);
      if (fact.kind === "discardServer" && this.#incarnations.get(fact.server) === fact.incarnation)
        this.#restart(fact.server);
    }
    this.#surroundings.sendToRegulator({ kind: "factsAcknowledged", through: this.#factsThrough });
  }

  /** What administrators do about a held request: release it, twice and in two tabs; confirm it; or nothing. */
  #decide(requestId: RequestId): void {
    const random = this.#random.fork(`decision about ${requestId}`);
    const order = (name: string, kind: "release" | "confirm", delayMs: number): void =>
      this.#surroundings.later(delayMs, () => {
        if (kind === "release") this.#surroundings.releases(requestId);
        const action = kind === "release" ? { kind, requestId, rerun: false } : { kind, requestId };
        this.#surroundings.sendToRegulator({ kind: "quarantineOrder", order: `${name}/${requestId}`, action });
      });
    const first = random.between(5, 500);
    if (random.chance(0.6)) {
      order("one", "release", first);
      order(random.chance(0.5) ? "one" : "two", "release", first + random.between(0, 300));
    } else if (random.chance(0.5)) order("one", "confirm", first);
  }

  /** The health monitor saw the process die. */
  executionServerDied(server: ServerName): void {
    const incarnation = this.#incarnations.get(server);
    if (incarnation === undefined) return;
    this.#surroundings.later(this.#random.between(2, 40), () => {
      this.#surroundings.sendToRegulator({ kind: "serverGone", server, incarnation, cause: "killed" });
    });
    this.#restart(server);
  }

  /** The regulator is to give this server no work for so long; the process goes on. */
  withhold(server: ServerName, forMs: number): void {
    if (this.#withheld.has(server)) return;
    this.#withheld.add(server);
    this.#configure();
    this.#surroundings.later(forMs, () => {
      this.#withheld.delete(server);
      this.#configure();
    });
  }

  #restart(server: ServerName): void {
    this.#incarnations.delete(server);
    this.#configure();
    this.#surroundings.replace(server, this.#random.between(30, 250), (incarnation) => {
      this.#incarnations.set(server, incarnation);
      this.#configure();
    });
  }

  /** The first so many replicas are to be the members from now on, tolerating what so many can. */
  wantMembers(count: number): void {
    this.#wanted = count;
    this.#configure();
  }

  #configure(): void {
    const { members: replicas, masters, acceptanceTestServers, profile, clients } = this.#plan;
    const members = replicas.slice(0, this.#wanted);
    const faultsTolerated = Math.min(this.#plan.faultsTolerated, faultsToleratedBy(members.length));
    this.#version += 1;
    this.#surroundings.sendToRegulator({
      kind: "regulatorConfiguration",
      version: this.#version,
      clients: clients as never,
      executionServers: [...this.#incarnations]
        .filter(([server]) => !this.#withheld.has(server))
        .map(([server, incarnation]) => ({ server, incarnation, publicKey: server })),
      acceptanceTestServers,
      members,
      masters,
      faultsTolerated,
      profile,
      acceptanceFaultsTolerated: faultsToleratedBy(acceptanceTestServers.length),
      auditPercent: AUDIT_PERCENT,
      strictPaper: false,
      exemptAddresses: [],
      ...this.#choice,
    });
  }
}
