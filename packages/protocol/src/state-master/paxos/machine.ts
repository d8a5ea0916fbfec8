/**
 * The state of one master's consensus machine and the few moves every part of it shares. The rules are beside it:
 * `election.ts` (becoming leader), `leading.ts` (filling slots), `following.ts` (accepting and learning), `snapshots.ts`
 * (state for those too far behind), `membership.ts` (who votes).
 */
import {
  assert,
  type Ballot,
  FIRST_IDENTITY,
  type MasterMembership,
  NO_VOTE,
  type PaxosMessage,
  type ServerName,
  type Slot,
} from "@redoubt/shared";
import type { Instant } from "../../core.ts";
import { AcceptorLog } from "./acceptor-log.ts";
import { compareBallots } from "./ballot.ts";
import { CutMarks } from "./cut-marks.ts";
import { firstMembership, isSeated, quorumOf, seatOf } from "./membership.ts";
import type { PaxosCheckpoint, PaxosConfiguration, PaxosEffect, PaxosRecord } from "./paxos-types.ts";
import type { Candidacy, Proposer } from "./proposer.ts";
import { Snapshots } from "./snapshots.ts";
import { PAXOS_LIMITS } from "./timing.ts";

export type MessageOf<Kind extends PaxosMessage["kind"]> = Extract<PaxosMessage, { readonly kind: Kind }>;

export type Role<Command> =
  | { readonly kind: "follower"; readonly electionAt: number }
  | { readonly kind: "preVote" | "candidate"; readonly candidacy: Candidacy<Command> }
  | { readonly kind: "leader"; readonly proposer: Proposer<Command> };

export class Machine<Command> {
  readonly self: ServerName;
  readonly configuration: PaxosConfiguration<Command>;
  readonly log: AcceptorLog<Command>;
  readonly marks: CutMarks;
  readonly #truncateSlots: number;
  readonly snapshots = new Snapshots();
  role: Role<Command> = { kind: "follower", electionAt: 0 };
  identity = FIRST_IDENTITY;
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
  term = 0;
  question = 0;
  isAbstaining = false;
  /** Undefined: there is no database, the journal alone counts. */
  databaseThrough: Slot | undefined;
  /** A majority has applied everything up to here durably, says the leader. */
  truncatable: Slot = 0;
  /** Servers that are no members and want to learn. */
  readonly strangers = new Set<ServerName>();
  #asked = 0;
  #effects: PaxosEffect<Command>[] = [];

  constructor(configuration: PaxosConfiguration<Command>) {
    this.self = configuration.self;
    this.configuration = configuration;
    assert(configuration.members.length <= 31, "members: expected at most 31");
    const window = configuration.window ?? PAXOS_LIMITS;
    this.marks = new CutMarks(window.markRecords);
    this.#truncateSlots = window.truncateSlots;
    this.log = new AcceptorLog(firstMembership(configuration.members), configuration.sizeOf, window.keptSlotsMax);
  }

  at(instant: Instant): void {
    this.now = instant.now;
    this.wall = instant.wall;
  }

  append(record: PaxosRecord<Command>): void {
    this.marks.count(this.log.highest);
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

  get masters(): MasterMembership {
    return this.log.masters;
  }

  /** Its seat, where this journal has one. */
  get seat(): number | undefined {
    return seatOf(this.masters, this.self, this.identity)?.seat;
  }

  get isVoter(): boolean {
    return this.seat !== undefined && !this.isAbstaining && !this.log.isHollow;
  }

  /** What its answers are signed with: votes of a master that abstains count for nobody. */
  get said(): string {
    return this.isAbstaining || this.log.isHollow ? NO_VOTE : this.identity;
  }

  /** Everybody it may have to do with, but itself. */
  get others(): ServerName[] {
    const seated = this.masters.seats.map(({ server }) => server);
    const all = new Set([...seated, ...this.configuration.members, ...this.strangers]);
    all.delete(this.self);
    return [...all];
  }

  get otherMembers(): ServerName[] {
    return this.masters.seats.map(({ server }) => server).filter((server) => server !== this.self);
  }

  isKnown(server: ServerName): boolean {
    return isSeated(this.masters, server) || this.configuration.members.includes(server);
  }

  /** Servers in `granted` answered under the identities that have seats. */
  isMajority(granted: ReadonlySet<ServerName>): boolean {
    return granted.size >= quorumOf(this.masters);
  }

  /** Everything up to here is durable on this master: known as decided in the journal, and in the database. */
  get appliedThrough(): Slot {
    return Math.min(this.log.durableThrough, this.databaseThrough ?? this.log.durableThrough);
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

  /** Asks for what is missing; without somebody named, one after the other. */
  askToCatchUp(of?: ServerName): void {
    const { others } = this;
    const to = of ?? others[this.#asked++ % Math.max(1, others.length)];
    if (to === undefined) return;
    this.caughtUpAt = this.now;
    const fromSlot = this.log.decidedThrough + 1;
    if (this.log.isHollow) this.send(to, { kind: "wantSnapshot", fromSlot: this.log.forgottenThrough });
    else this.send(to, { kind: "catchUp", fromSlot });
  }

  #checkpoint(): void {
    // That new members are decided is written down at once: without the old ones nobody could decide it again.
    const areMastersNew = this.log.mastersSlot > this.log.durableThrough;
    if (this.now < this.checkpointAt && !areMastersNew) return;
    this.checkpointAt = this.now + PAXOS_LIMITS.checkpointMs;
    this.writeDecided();
    this.#truncate();
  }

  writeDecided(): void {
    if (this.log.durableThrough === this.log.decidedThrough) return;
    this.log.durableThrough = this.log.decidedThrough;
    this.append({ kind: "decidedThrough", slot: this.log.decidedThrough });
  }

  /** `truncatedThrough` is durable before anything is cut; this master's own database comes first, too. */
  #truncate(): void {
    const { log, identity } = this;
    const through = Math.min(this.truncatable, this.appliedThrough, log.taken);
    if (through < log.truncatedThrough + this.#truncateSlots) return;
    // The membership as of the slot: one decided behind it is in the records that stay.
    if (log.mastersSlot > through) return;
    const { promised, masters, mastersSlot } = log;
    log.truncatedThrough = through;
    this.append({ kind: "truncated", through, identity, promised, masters, mastersSlot });
    const before = this.marks.takeCut(through);
    if (before !== undefined) this.#effects.push({ kind: "cut", before });
  }

  replay(record: PaxosRecord<Command>): void {
    this.#replayed(record);
    this.marks.count(this.log.highest);
  }

  #replayed(record: PaxosRecord<Command>): void {
    switch (record.kind) {
      case "identity":
        this.identity = record.identity;
        this.log.masters = firstMembership(record.members);
        break;
      case "promised":
        if (compareBallots(record.ballot, this.log.promised) > 0) this.log.promised = record.ballot;
        break;
      case "accepted":
        if (record.entry.slot > this.log.decidedThrough) this.log.store(record.entry);
        break;
      case "decidedThrough":
        this.log.markDecidedThrough(record.slot);
        this.log.durableThrough = this.log.decidedThrough;
        break;
      case "truncated":
        this.identity = record.identity;
        if (compareBallots(record.promised, this.log.promised) > 0) this.log.promised = record.promised;
        this.log.truncated(record);
        this.marks.takeCut(record.through);
        break;
      case "snapshotPart":
        this.snapshots.replayPart(record.part, record.bytes);
        break;
      case "installed":
        this.log.install(record);
        this.snapshots.replayInstalled(record.through, record.parts);
        break;
    }
  }

  restore(checkpoint: PaxosCheckpoint<Command>): void {
    this.identity = checkpoint.identity;
    this.log.promised = checkpoint.promised;
    this.marks.load(checkpoint.records, checkpoint.marks);
    this.log.load(checkpoint);
  }

  checkpoint(): PaxosCheckpoint<Command> {
    const { log, marks, identity } = this;
    const { promised, decidedThrough, forgottenThrough, truncatedThrough, taken, masters, mastersSlot, entries } = log;
    return {
      ...{ identity, records: marks.records, marks: [...marks.marks] },
      ...{ promised, decidedThrough, forgottenThrough, truncatedThrough, taken, masters, mastersSlot, entries },
    };
  }
}
