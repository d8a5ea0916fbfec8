/** One state replica with its journal, driven by hand, for tests. */
import type { ChangeRecord, Component, MessagesTo, SlotDecisions, ToStateReplica, Verdict } from "@redoubt/shared";
import { componentOf } from "@redoubt/shared";
import { type Checkpoint, DAMAGED } from "../core.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import {
  EXECUTION_SERVER,
  keyOf,
  MASTERS,
  MEMBERS,
  opened,
  primaryRegulator,
  REGULATOR,
  settled,
  slot,
  toyApplication,
} from "../testing/toy.test-support.ts";
import { createStateReplica, type StateReplica } from "./state-replica.ts";
import type { StateReplicaConfiguration, StateReplicaDurable, StateReplicaEffect, StateReplicaInput } from "./types.ts";

type ReadEffect = Extract<StateReplicaEffect, { kind: "readRecord" }>;

export class Member {
  readonly journal: StateReplicaDurable[] = [];
  now = 0;
  /** Effects since the last {@link clear}. */
  effects: StateReplicaEffect[] = [];
  core: StateReplica;
  through = 0;
  /** Answers the member's reads of its journal at once; otherwise {@link read} does. */
  answersReads = true;
  /** Records whose bytes on the disk are wrong. */
  readonly damaged = new Set<number>();
  readonly name: string;
  #settings: Partial<StateReplicaConfiguration>;

  constructor(
    name: string = MEMBERS[0],
    hostsAcceptanceTests = true,
    settings: Partial<StateReplicaConfiguration> = {},
  ) {
    this.name = name;
    this.#settings = { hostsAcceptanceTests, ...settings };
    this.core = this.#create();
    this.step({ kind: "start", durable: [], now: 0, wall: 0 });
  }

  #create(): StateReplica {
    return createStateReplica(
      { hasher: nodeHasher, application: toyApplication },
      {
        ...{ self: this.name, masters: MASTERS, trafficRegulator: REGULATOR, hostsAcceptanceTests: true },
        ...this.#settings,
      },
    );
  }

  step(input: StateReplicaInput): StateReplicaEffect[] {
    const effects = this.core.step(input);
    for (const effect of effects) if (effect.kind === "append") this.journal.push(effect.record);
    this.effects.push(...effects);
    if (this.answersReads) this.read(effects);
    return effects;
  }

  reads(): ReadEffect[] {
    return this.effects.filter((effect) => effect.kind === "readRecord");
  }

  /** Answers these reads, by default all since the last {@link clear}. */
  read(effects: readonly StateReplicaEffect[] = this.effects): void {
    for (const effect of [...effects]) {
      if (effect.kind !== "readRecord") continue;
      const { number, token } = effect;
      const record = this.damaged.has(number) ? undefined : this.journal[number];
      this.step({ kind: "recordRead", number, token, record, now: this.now, wall: this.now });
    }
  }

  /** Kills the process and starts it again from its journal. */
  restart(): void {
    this.core = this.#create();
    this.clear();
    this.step({ kind: "start", durable: [...this.journal], now: this.now, wall: this.now });
  }

  /** The same with other settings, and with these records damaged on the disk. */
  restartWith(settings: Partial<StateReplicaConfiguration>, damaged: ReadonlySet<number>): void {
    const clock = { now: this.now, wall: this.now };
    this.#settings = { ...this.#settings, ...settings };
    this.core = this.#create();
    this.clear();
    const records = this.journal.map((record, number) => (damaged.has(number) ? DAMAGED : record));
    this.step({ kind: "replay", first: 0, records, ...clock });
    this.step({ kind: "start", durable: [], ...clock });
  }

  /** The same from a checkpoint, of now or of before. */
  restartFrom(checkpoint: Checkpoint): void {
    const clock = { now: this.now, wall: this.now };
    this.core = this.#create();
    this.clear();
    const { through, parts } = checkpoint;
    this.step({ kind: "restore", checkpoint: parts, through, ...clock });
    this.step({ kind: "replay", first: through, records: this.journal.slice(through), ...clock });
    this.step({ kind: "start", durable: [], ...clock });
  }

  checkpoint(): Checkpoint {
    const checkpoint = this.core.checkpoint();
    if (!checkpoint) throw new Error("no checkpoint now");
    return checkpoint;
  }

  receive(from: string, message: ToStateReplica): StateReplicaEffect[] {
    const component = componentOf(from) as Component;
    return this.step({ kind: "message", from: { component, server: from }, message, now: this.now, wall: this.now });
  }

  change(record: ChangeRecord, from: string = EXECUTION_SERVER): StateReplicaEffect[] {
    return this.receive(from, { kind: "change", record });
  }

  /** Ticks in steps of a millisecond. */
  wait(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed++) {
      this.now++;
      this.step({ kind: "tick", now: this.now, wall: this.now });
    }
  }

  tested(test: string, verdict: Verdict = { kind: "pass" }): StateReplicaEffect[] {
    return this.step({ kind: "tested", test, verdict, now: this.now, wall: this.now });
  }

  decide(...slots: SlotDecisions[]): StateReplicaEffect[] {
    const through = slots.at(-1)?.slot ?? this.through;
    const message = { kind: "stream", after: this.through, through, slots, primary: MASTERS[0] } as const;
    this.through = through;
    return this.receive(MASTERS[0], message);
  }

  key(regulatorEpoch = 1): StateReplicaEffect[] {
    return this.receive(REGULATOR, { kind: "ticketKey", regulatorEpoch, key: keyOf(this.name) });
  }

  clear(): void {
    this.effects = [];
  }

  sent<Receiver extends keyof MessagesTo, Kind extends MessagesTo[Receiver]["kind"]>(
    component: Receiver,
    kind: Kind,
  ): Extract<MessagesTo[Receiver], { kind: Kind }>[] {
    const messages: { readonly kind: string }[] = this.effects.flatMap((effect) =>
      effect.kind === "send" && effect.component === component ? [effect.message] : [],
    );
    return messages.filter((message) => message.kind === kind) as Extract<MessagesTo[Receiver], { kind: Kind }>[];
  }

  tests() {
    return this.effects.filter((effect) => effect.kind === "test");
  }

  refusals(): string[] {
    return this.sent("execution-server", "refused").map((message) => message.reason);
  }

  answers() {
    return this.sent("traffic-regulator", "answer");
  }

  accepted(): ChangeRecord[] {
    return this.journal.flatMap((record) => (record.kind === "accepted" ? [record.record] : []));
  }
}

/** A member with the ticket key and epoch 2 installed. */
export function readyMember(
  name: string = MEMBERS[2],
  hostsAcceptanceTests = true,
  settings: Partial<StateReplicaConfiguration> = {},
): Member {
  const member = new Member(name, hostsAcceptanceTests, settings);
  member.key();
  member.decide(slot(1, primaryRegulator), slot(2, opened(2)), slot(3, settled(2)));
  member.clear();
  return member;
}
