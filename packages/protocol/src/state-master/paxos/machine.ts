/**
 * The state of one master's consensus machine and the few moves every part of it shares. The rules are beside it:
 * `election.ts` (becoming leader), `leading.ts` (filling slots), `following.ts` (accepting and learning).
 */
import { assert, type Ballot, type PaxosMessage, type ServerName } from "@redoubt/shared";
import type { Instant } from "../../core.ts";
import { majority } from "../../quorum.ts";
import { AcceptorLog } from "./acceptor-log.ts";
import { compareBallots } from "./ballot.ts";
import type { PaxosConfiguration, PaxosEffect, PaxosRecord } from "./paxos-types.ts";
import type { Candidacy, Proposer } from "./proposer.ts";
import { PAXOS_LIMITS } from "./timing.ts";

export type MessageOf<Kind extends PaxosMessage["kind"]> = Extract<PaxosMessage, { readonly kind: Kind }>;

export type Role<Command> =
  | { readonly kind: "follower"; readonly electionAt: number }
  | { readonly kind: "preVote" | "candidate"; readonly candidacy: Candidacy<Command> }
  | { readonly kind: "leader"; readonly proposer: Proposer<Command> };

export class Machine<Command> {
  readonly self: ServerName;
  readonly index: number;
  readonly members: readonly ServerName[];
  readonly configuration: PaxosConfiguration<Command>;
  readonly log: AcceptorLog<Command>;
  role: Role<Command> = { kind: "follower", electionAt: 0 };
  leader: ServerName | undefined;
  /** When a leader was last heard from. */
  leaderAt = Number.NEGATIVE_INFINITY;
  /** Highest round seen anywhere: the next ballot is above it. */
  roundSeen = 0;
  /** When missing slots were last asked for. */
  caughtUpAt = Number.NEGATIVE_INFINITY;
  checkpointAt = 0;
  now = 0;
  wall = 0;
  #effects: PaxosEffect<Command>[] = [];

  constructor(configuration: PaxosConfiguration<Command>) {
    this.self = configuration.self;
    this.configuration = configuration;
    this.members = configuration.members;
    this.index = configuration.members.indexOf(configuration.self);
    assert(this.index >= 0, `members: expected to contain ${configuration.self}`);
    assert(configuration.members.length <= 31, "members: expected at most 31");
    this.log = new AcceptorLog(configuration.sizeOf);
  }

  at(instant: Instant): void {
    this.now = instant.now;
    this.wall = instant.wall;
  }

  append(record: PaxosRecord<Command>): void {
    this.#effects.push({ kind: "append", record, durability: "synced" });
  }

  send(to: ServerName, message: PaxosMessage): void {
    this.#effects.push({ kind: "send", to, message });
  }

  takeEffects(): PaxosEffect<Command>[] {
    this.#checkpoint();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  isMajority(members: ReadonlySet<ServerName>): boolean {
    return members.size >= majority(this.members.length);
  }

  sawRound(ballot: Ballot): void {
    this.roundSeen = Math.max(this.roundSeen, ballot.round);
  }

  promise(ballot: Ballot): void {
    assert(compareBallots(ballot, this.log.promised) > 0, "a promise only rises");
    this.log.promised = ballot;
    this.sawRound(ballot);
    this.append({ kind: "promised", ballot });
  }

  electionDelay(): number {
    return PAXOS_LIMITS.electionTimeoutMs * (1 + this.configuration.random());
  }

  /** Becomes a follower, of nobody in particular when `leader` is undefined. What was queued is dropped. */
  follow(leader: ServerName | undefined): void {
    this.leader = leader;
    if (leader !== undefined) this.leaderAt = this.now;
    this.role = { kind: "follower", electionAt: this.now + this.electionDelay() };
  }

  /** Whether a leader works well enough that no other should be elected. */
  hasLeader(): boolean {
    if (this.role.kind === "leader") return true;
    return this.leader !== undefined && this.now < this.leaderAt + PAXOS_LIMITS.electionTimeoutMs;
  }

  #checkpoint(): void {
    if (this.now < this.checkpointAt) return;
    this.checkpointAt = this.now + PAXOS_LIMITS.checkpointMs;
    if (this.log.durableThrough === this.log.decidedThrough) return;
    this.log.durableThrough = this.log.decidedThrough;
    this.append({ kind: "decidedThrough", slot: this.log.decidedThrough });
  }
}
