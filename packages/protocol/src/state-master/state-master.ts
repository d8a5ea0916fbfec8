/**
 * The state master's core: consensus below, the replicated metadata in the middle, the primary's duties on top.
 *
 *   message ──▶ Paxos ──decided commands──▶ metadata ──decisions──▶ stream to followers, rows to Postgres
 *      │                                        │
 *      └──▶ primary's duties ──proposals──▶ Paxos (only while this master is the primary)
 *
 * Every master applies every command and serves the stream; only the primary proposes and pushes. Memory is bounded by
 * objects and open work: old decisions are in Postgres, old entries in nobody's memory (a peer far behind gets a snapshot
 * of what they led to), and the journal is cut behind checkpoints (docs/PROTOCOL.md §8, ADR 0011).
 */
import {
  assert,
  type FollowMessage,
  type RequestId,
  type RequestOutcome,
  type ServerName,
  type Slot,
} from "@redoubt/shared";
import { type Checkpoint, type Instant, type Sender, send } from "../core.ts";
import { PART_BYTES_MAX, packBlocks, packJson, unpackBlocks, unpackJson } from "./checkpoint-blocks.ts";
import { ChecksumAudit } from "./checksum-audit.ts";
import { commandBytes, type MasterCommand } from "./commands.ts";
import { MASTER_TIMES, MasterContext } from "./context.ts";
import { DecisionStream, Followers, PACKED_SLOTS_MAX, type PackedStream } from "./decision-stream.ts";
import { EpochRequests } from "./epoch-requests.ts";
import { MembershipKeeper } from "./membership-keeper.ts";
import { applyCommand, describePlacement, digestMetadata } from "./metadata.ts";
import { packMetadata, unpackMetadata } from "./metadata-checkpoint.ts";
import { type Applied, createMetadataState, type PrimaryComponent } from "./metadata-state.ts";
import { createPaxos, type Paxos, type PaxosCheckpoint, type PaxosEffect, type PaxosRecord } from "./paxos/index.ts";
import { Primary } from "./primary.ts";
import { type PackedRows, RowBacklog } from "./row-backlog.ts";
import type {
  ApplyEffect,
  StateMaster,
  StateMasterConfiguration,
  StateMasterDependencies,
  StateMasterEffect,
  StateMasterInput,
  StateMasterStatus,
} from "./types.ts";

/** `masters` lists all masters in the same order on each; `self` is one of them. */
export const createStateMaster = (
  dependencies: StateMasterDependencies,
  configuration: StateMasterConfiguration,
): StateMaster => new StateMasterCore(dependencies, configuration);

/** The journal of an acceptor has a hole. Its owner begins a new one: a new member, who learns everything again. */
export class DamagedVotesError extends Error {
  override readonly name = "DamagedVotesError";

  constructor(record: number) {
    super(`record ${record} of a master's journal is damaged: its votes cannot be trusted to be all there`);
  }
}

/** First block of checkpoints and snapshots; the metadata's blocks follow. */
interface PackedCore {
  readonly applied: Slot;
  readonly stream: PackedStream;
  readonly rows: PackedRows;
  /** Undefined in what is sent to a peer: consensus state is nobody else's. */
  readonly paxos?: PaxosCheckpoint<MasterCommand>;
}

class StateMasterCore implements StateMaster {
  readonly #context: MasterContext;
  readonly #paxos: Paxos<MasterCommand>;
  readonly #stream: DecisionStream;
  readonly #followers: Followers;
  readonly #requests: EpochRequests;
  readonly #membership: MembershipKeeper;
  readonly #audit: ChecksumAudit;
  readonly #primary: Primary;
  readonly #rows: RowBacklog;
  readonly #hasDatabase: boolean;
  #isStarted = false;
  #isPrimary = false;
  #term = 0;
  #dutyAt = 0;
  #effects: StateMasterEffect[] = [];

  constructor({ hasher, random }: StateMasterDependencies, configuration: StateMasterConfiguration) {
    const { self, masters, journalIdentity, hasDatabase, window } = configuration;
    this.#context = new MasterContext(createMetadataState(hasher), () => this.#confirm());
    this.#paxos = createPaxos({
      ...{ self, members: masters, random, sizeOf: commandBytes, snapshot: () => this.#pack() },
      ...(journalIdentity === undefined ? {} : { identity: journalIdentity }),
      ...(window ? { window } : {}),
    });
    this.#stream = new DecisionStream(window?.streamSlotsMax);
    this.#followers = new Followers(this.#context, this.#stream, (to, after) => this.#lookUp(to, after));
    this.#requests = new EpochRequests(this.#context);
    this.#membership = new MembershipKeeper(this.#context, this.#requests);
    this.#audit = new ChecksumAudit(this.#context);
    this.#primary = new Primary(this.#context, {
      requests: this.#requests,
      membership: this.#membership,
      audit: this.#audit,
      managers: configuration.managers ?? [],
    });
    this.#hasDatabase = hasDatabase ?? false;
    this.#rows = new RowBacklog(this.#hasDatabase);
  }

  step(input: StateMasterInput): StateMasterEffect[] {
    this.#context.now = input.now;
    this.#context.wall = input.wall;
    this.#take(input);
    if (this.#isStarted) {
      if (input.now >= this.#paxos.wakeAt) this.#consensus(this.#paxos.tick(input));
      this.#followDatabase(input);
      this.#follow(input);
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #take(input: StateMasterInput): void {
    switch (input.kind) {
      case "restore":
        this.#restore(input.checkpoint);
        break;
      case "replay":
        this.#replay(input);
        break;
      case "start":
        this.#isStarted = true;
        this.#consensus(this.#paxos.start(input.durable, input));
        break;
      case "message":
        this.#receive(input);
        break;
      case "database":
        this.#rows.confirm(input.appliedThrough);
        break;
      case "slotsFound":
        this.#followers.found(input.to, input.after, input.found, this.primary);
        break;
      case "handOver":
        this.#consensus(this.#paxos.handOver(input));
        break;
      case "tick":
        break;
    }
  }

  get wakeAt(): number {
    if (!this.#isPrimary) return this.#paxos.wakeAt;
    return Math.min(this.#paxos.wakeAt, this.#primary.flushAt, this.#nextDutyAt());
  }

  get isPrimary(): boolean {
    return this.#isPrimary;
  }

  get primary(): ServerName {
    return this.#paxos.leader ?? "";
  }

  get decidedThrough(): Slot {
    return this.#context.applied;
  }

  status(): StateMasterStatus {
    const { identity, isVoter, masters, truncatedThrough, snapshotBytes, snapshotProgress, lag } = this.#paxos;
    const progress = snapshotProgress && {
      doneBytes: snapshotProgress.done * PART_BYTES_MAX,
      totalBytes: snapshotProgress.parts * PART_BYTES_MAX,
    };
    const { outcomes, heads } = this.#context.state;
    return {
      ...{ identity, isVoter, seats: masters.seats.map(({ server }) => server), truncatedThrough, snapshotBytes, lag },
      ...{ snapshotProgress: progress, rowsAfter: this.#rows.after, outcomes: outcomes.size, objects: heads.size },
    };
  }

  placement() {
    return describePlacement(this.#context.state);
  }

  objectHead(object: string) {
    return this.#context.state.heads.get(object);
  }

  outcome(requestId: RequestId): RequestOutcome {
    return this.#context.state.outcomes.get(requestId) ?? { kind: "unknown" };
  }

  primaryLease(component: PrimaryComponent) {
    return this.#context.state.leases.get(component);
  }

  metadataDigest() {
    return digestMetadata(this.#context.state);
  }

  // ---- checkpoints and snapshots ----

  checkpoint(): Checkpoint | undefined {
    if (!this.#isStarted) return undefined;
    const paxos = this.#paxos.checkpoint();
    return { through: paxos.records, parts: this.#pack(paxos) };
  }

  #pack(paxos?: PaxosCheckpoint<MasterCommand>): Uint8Array[] {
    const { last } = this.#rows;
    const rows = paxos ? this.#rows.pack() : { after: last, last, rows: [] };
    const core: PackedCore = {
      ...{
        applied: this.#context.applied,
        stream: this.#stream.pack(this.#hasDatabase ? PACKED_SLOTS_MAX : undefined),
        rows,
      },
      ...(paxos ? { paxos } : {}),
    };
    return packBlocks([packJson(core), ...packMetadata(this.#context.state)]);
  }

  #restore(parts: readonly Uint8Array[]): void {
    const { paxos, rows } = this.#unpack(parts);
    assert(paxos, "a checkpoint holds the state of the consensus");
    this.#paxos.restore(paxos);
    this.#effects.push(...this.#rows.load(rows));
  }

  #unpack(parts: readonly Uint8Array[]): PackedCore {
    const [first, ...metadata] = unpackBlocks(parts);
    assert(first, "a checkpoint begins with the core's own block");
    const core = unpackJson(first) as PackedCore;
    this.#context.state = unpackMetadata(this.#context.state.hasher, metadata);
    this.#context.applied = core.applied;
    this.#stream.load(core.stream);
    this.#audit.restored(core.applied);
    return core;
  }

  #replay({ first, records }: Extract<StateMasterInput, { kind: "replay" }>): void {
    const whole: PaxosRecord<MasterCommand>[] = [];
    for (const record of records) {
      // A vote forgotten is a vote broken: what is left of such a journal must not speak for this master.
      if (record.kind === "damaged") throw new DamagedVotesError(first + whole.length);
      whole.push(record);
    }
    this.#paxos.replay(whole, first);
    this.#applyDecided();
  }

  // ---- consensus ----

  #consensus(effects: readonly PaxosEffect<MasterCommand>[]): void {
    for (const effect of effects) {
      if (effect.kind === "send") {
        this.#effects.push(send("state-master", effect.to, { kind: "paxos", body: effect.message }));
      } else if (effect.kind === "cut") this.#effects.push({ kind: "cutJournal", before: effect.before });
      else {
        this.#effects.push(effect);
        const { record } = effect;
        if (record.kind === "identity") this.#effects.push({ kind: "identified", identity: record.identity });
      }
    }
  }

  #confirm(): number {
    const { now, wall } = this.#context;
    const { number, effects } = this.#paxos.confirm({ now, wall });
    this.#consensus(effects);
    return number;
  }

  #receive({ from, message, now, wall }: Extract<StateMasterInput, { kind: "message" }>): void {
    if (message.kind === "paxos") {
      if (from.component === "state-master") {
        this.#consensus(this.#paxos.receive(from.server, message.body, { now, wall }));
      }
    } else if (message.kind === "follow") {
      this.#followedBy(from, message);
    } else if (message.kind === "changeMasters") {
      if (from.component === "configuration-manager") {
        this.#consensus(this.#paxos.changeMasters(message.masters, { now, wall }));
      }
    } else if (this.#isPrimary) {
      this.#primary.receive(from, message);
    }
  }

  #followedBy(from: Sender, { after, restarted, identity }: FollowMessage): void {
    this.#followers.follow(from, after, this.primary);
    if (from.component !== "state-replica") return;
    if (identity !== undefined) this.#membership.claimed(from.server, identity);
    if (restarted) this.#requests.restarted(from.server, after);
  }

  #lookUp(to: Sender, after: Slot): void {
    if (this.#hasDatabase) {
      this.#effects.push({ kind: "lookupSlots", to, after, limit: MASTER_TIMES.lookupSlots });
    }
  }

  /** A master whose database lacks rows that only a peer can give neither votes nor leads (PROTOCOL §11). */
  #followDatabase(instant: Instant): void {
    if (!this.#hasDatabase) return;
    const { confirmed, last, isBehind } = this.#rows;
    this.#paxos.databaseApplied(confirmed === undefined || confirmed < last ? (confirmed ?? 0) : this.#context.applied);
    this.#consensus(this.#paxos.abstain(isBehind, instant));
    this.#context.isHeldBack = this.#paxos.lag > MASTER_TIMES.lagSlotsMax;
  }

  /** Takes in what is decided and acts on it until nothing more follows from it (a single master decides at once). */
  #follow(instant: Instant): void {
    do {
      const before = this.#stream.through;
      const commands = this.#applyDecided();
      this.#changeRole();
      if (this.#isPrimary) this.#lead(commands, before);
      this.#effects.push(...this.#context.takeSends());
      const proposals = this.#context.takeCommands();
      if (proposals.length > 0) this.#consensus(this.#paxos.propose(proposals, instant));
    } while (this.#paxos.decidedThrough > this.#context.applied && this.#paxos.isLeader);
  }

  #applyDecided(): MasterCommand[] {
    const installed = this.#paxos.takeInstalled();
    if (installed) {
      const { rows, applied } = this.#unpack(installed.parts);
      assert(applied === installed.through, "a snapshot is of the slot that it was offered for");
      this.#rows.jump(rows.last);
    }
    const commands: MasterCommand[] = [];
    const { state } = this.#context;
    for (const { slot, at, commands: batch } of this.#paxos.takeDecided()) {
      const applied: Applied = { decisions: [], versions: [], dead: [] };
      for (const command of batch) {
        applyCommand(state, command, slot, applied);
        commands.push(command);
      }
      this.#context.applied = slot;
      this.#audit.applied(slot, applied.versions);
      this.#stream.add(slot, at, applied.decisions);
      if (applied.decisions.length > 0) this.#record(slot, at, applied);
    }
    return commands;
  }

  #record(slot: Slot, at: number, { decisions, versions, dead }: Applied): void {
    const previous = this.#rows.last;
    const row: ApplyEffect = { kind: "apply", slot, previous, at, decisions, rows: { versions, dead } };
    this.#rows.add(row);
    this.#effects.push(row);
  }

  #changeRole(): void {
    const { isLeader, term } = this.#paxos;
    if (isLeader === this.#isPrimary && (!isLeader || term === this.#term)) return;
    this.#isPrimary = isLeader;
    this.#term = term;
    this.#primary.reset();
    if (!isLeader) return;
    this.#dutyAt = this.#context.now;
    this.#followers.takeOver(this.primary);
    this.#primary.applied([]);
  }

  #lead(commands: readonly MasterCommand[], before: Slot): void {
    if (this.#stream.through > before) {
      this.#followers.push(this.primary, before);
      this.#primary.applied(commands);
    }
    if (this.#context.now >= this.#nextDutyAt()) {
      this.#dutyAt = this.#context.now;
      this.#followers.run(this.primary);
      this.#primary.run();
    }
    this.#primary.confirmed(this.#paxos.confirmed);
    this.#primary.flush();
  }

  #nextDutyAt(): number {
    return this.#dutyAt + this.#primary.dutyMs;
  }
}
