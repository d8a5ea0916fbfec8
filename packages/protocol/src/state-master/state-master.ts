/**
 * The state master's core: consensus below, the replicated metadata in the middle, the primary's duties on top.
 *
 *   message ──▶ Paxos ──decided commands──▶ metadata ──decisions──▶ stream to followers, rows to Postgres
 *      │                                        │
 *      └──▶ primary's duties ──proposals──▶ Paxos (only while this master is the primary)
 *
 * Every master applies every command and serves the stream; only the primary proposes and pushes. Master's memory holds
 * the whole decision stream, all outcomes and heads: a stated limit of this core, nothing here truncates.
 */
import type { Decision, RequestId, RequestOutcome, ServerName, Slot } from "@redoubt/shared";
import { type Instant, type Sender, send } from "../core.ts";
import { commandBytes, type MasterCommand } from "./commands.ts";
import { MasterContext } from "./context.ts";
import { DecisionStream, Followers } from "./decision-stream.ts";
import { EpochRequests } from "./epoch-requests.ts";
import { applyCommand, describePlacement, digestMetadata } from "./metadata.ts";
import { type Applied, createMetadataState, type MetadataState, type PrimaryComponent } from "./metadata-state.ts";
import { createPaxos, type Paxos, type PaxosEffect } from "./paxos/index.ts";
import { Primary } from "./primary.ts";
import type {
  StateMaster,
  StateMasterConfiguration,
  StateMasterDependencies,
  StateMasterEffect,
  StateMasterInput,
} from "./types.ts";

/** `masters` lists all masters in the same order on each; `self` is one of them. */
export const createStateMaster = (
  dependencies: StateMasterDependencies,
  configuration: StateMasterConfiguration,
): StateMaster => new StateMasterCore(dependencies, configuration);

class StateMasterCore implements StateMaster {
  readonly #state: MetadataState;
  readonly #context: MasterContext;
  readonly #paxos: Paxos<MasterCommand>;
  readonly #stream = new DecisionStream();
  readonly #followers: Followers;
  readonly #requests: EpochRequests;
  readonly #primary: Primary;
  /** Slots up to this one are in Postgres already. */
  readonly #knownThrough: Slot;
  #isPrimary = false;
  #dutyAt = 0;
  #effects: StateMasterEffect[] = [];

  constructor({ hasher, random }: StateMasterDependencies, configuration: StateMasterConfiguration) {
    const { self, masters, appliedThrough } = configuration;
    this.#state = createMetadataState(hasher);
    this.#context = new MasterContext(this.#state);
    this.#paxos = createPaxos({ self, members: masters, random, sizeOf: commandBytes });
    this.#followers = new Followers(this.#context, this.#stream);
    this.#requests = new EpochRequests(this.#context);
    this.#primary = new Primary(this.#context, this.#requests);
    this.#knownThrough = appliedThrough ?? 0;
  }

  step(input: StateMasterInput): StateMasterEffect[] {
    this.#context.now = input.now;
    this.#context.wall = input.wall;
    if (input.kind === "start") this.#consensus(this.#paxos.start(input.durable, input));
    else if (input.kind === "message") this.#receive(input);
    if (input.now >= this.#paxos.wakeAt) this.#consensus(this.#paxos.tick(input));
    this.#follow(input);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
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

  placement() {
    return describePlacement(this.#state);
  }

  objectHead(object: string) {
    return this.#state.heads.get(object);
  }

  outcome(requestId: RequestId): RequestOutcome {
    return this.#state.outcomes.get(requestId) ?? { kind: "unknown" };
  }

  primaryLease(component: PrimaryComponent) {
    return this.#state.leases.get(component);
  }

  metadataDigest() {
    return digestMetadata(this.#state);
  }

  #consensus(effects: readonly PaxosEffect<MasterCommand>[]): void {
    for (const effect of effects) {
      if (effect.kind === "append") this.#effects.push(effect);
      else this.#effects.push(send("state-master", effect.to, { kind: "paxos", body: effect.message }));
    }
  }

  #receive({ from, message, now, wall }: Extract<StateMasterInput, { kind: "message" }>): void {
    if (message.kind === "paxos") {
      if (from.component === "state-master") {
        this.#consensus(this.#paxos.receive(from.server, message.body, { now, wall }));
      }
    } else if (message.kind === "follow") {
      this.#followedBy(from, message.after, message.restarted);
    } else if (this.#isPrimary) {
      this.#primary.receive(from, message);
    }
  }

  #followedBy(from: Sender, after: Slot, restarted: boolean): void {
    this.#followers.follow(from, after, this.primary);
    if (restarted && from.component === "state-replica") this.#requests.restarted(from.server, after);
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
    } while (this.#paxos.decidedThrough > this.#context.applied);
  }

  #applyDecided(): MasterCommand[] {
    const commands: MasterCommand[] = [];
    for (const { slot, at, commands: batch } of this.#paxos.takeDecided()) {
      const applied: Applied = { decisions: [], versions: [], dead: [] };
      for (const command of batch) {
        applyCommand(this.#state, command, slot, applied);
        commands.push(command);
      }
      this.#context.applied = slot;
      this.#stream.add(slot, at, applied.decisions);
      if (applied.decisions.length > 0 && slot > this.#knownThrough) this.#record(slot, at, applied);
    }
    return commands;
  }

  #record(slot: Slot, at: number, { decisions, versions, dead }: Applied): void {
    const facts: readonly Decision[] = decisions;
    this.#effects.push({ kind: "apply", slot, at, decisions: facts, rows: { versions, dead } });
  }

  #changeRole(): void {
    const isPrimary = this.#paxos.isLeader;
    if (isPrimary === this.#isPrimary) return;
    this.#isPrimary = isPrimary;
    this.#primary.reset();
    if (!isPrimary) return;
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
    this.#primary.flush();
  }

  #nextDutyAt(): number {
    return this.#dutyAt + this.#primary.dutyMs;
  }
}
