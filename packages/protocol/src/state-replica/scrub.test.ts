import { type ChangeRecord, type ChecksumsMessage, type DamageEvent, type Digest, ZERO_DIGEST } from "@redoubt/shared";
import { beforeEach, describe, expect, test } from "vitest";
import { extendC2, passDigest, summarize } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import {
  digestOf,
  genesisOrder,
  MASTERS,
  MEMBERS,
  opened,
  order,
  primaryRegulator,
  settled,
  slot,
  ToyHolder,
  verified,
} from "../testing/toy.test-support.ts";
import { Member } from "./member.test-support.ts";
import { calmRate } from "./scrub.ts";
import type { StateReplicaConfiguration, StateReplicaDurable } from "./types.ts";

const PERIOD_MS = 5_000;

/** A member with a disk: answers reads and repairs as a journal would. */
class ScrubbedMember extends Member {
  readonly repaired: number[] = [];
  /** Records read from the disk. */
  readCount = 0;

  constructor(settings: Partial<StateReplicaConfiguration> = {}) {
    super(MEMBERS[2], true, { journalIdentity: "journal-a", scrubPeriodMs: PERIOD_MS, ...settings });
  }

  /** Answers everything the core asks of the disk until it asks for nothing more. */
  serveDisk(): void {
    for (let effects = this.effects.splice(0); effects.length > 0; effects = this.effects.splice(0)) {
      for (const effect of effects) {
        const now = { now: this.now, wall: this.now };
        if (effect.kind === "readRecord") {
          const { number, token } = effect;
          this.readCount++;
          const record = this.damaged.has(number) ? undefined : this.journal[number];
          this.step({ kind: "recordRead", number, token, record, ...now });
        } else if (effect.kind === "repairRecord") {
          const { number, record } = effect;
          const ok = JSON.stringify(record) === JSON.stringify(this.journal[number]);
          if (ok) {
            this.damaged.delete(number);
            this.repaired.push(number);
          }
          this.step({ kind: "recordRepaired", number, ok, ...now });
        } else this.kept.push(effect);
      }
    }
  }

  /** What was put out besides. */
  readonly kept: (typeof this.effects)[number][] = [];

  /** Lets time pass, with a disk that answers at once. */
  pass(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed++) {
      this.wait(1);
      this.serveDisk();
    }
  }

  messages<Kind extends string>(kind: Kind): { readonly kind: Kind }[] {
    return this.kept.flatMap((effect) =>
      effect.kind === "send" && effect.message.kind === kind
        ? [effect.message as unknown as { readonly kind: Kind }]
        : [],
    );
  }

  checksums(): ChecksumsMessage[] {
    return this.messages("checksums") as ChecksumsMessage[];
  }

  events(): string[] {
    const events = (this.messages("damage") as unknown as { events: DamageEvent[] }[]).flatMap((it) => it.events);
    const distinct = new Map(events.map((event) => [event.number, event]));
    return [...distinct.values()].map((it) => `${it.state} ${it.record} ${it.object}#${it.version}`);
  }

  numberOf(kind: StateReplicaDurable["kind"], nth = 0): number {
    const numbers = this.journal.flatMap((record, number) => (record.kind === kind ? [number] : []));
    return numbers[nth] ?? -1;
  }
}

let member: ScrubbedMember;
let changes: ChangeRecord[];

/** Genesis of two accounts and two deposits to one of them, all verified but the last `undecided`. */
function fill(settings: Partial<StateReplicaConfiguration> = {}, undecided = 0): void {
  member = new ScrubbedMember(settings);
  member.key();
  member.decide(slot(1, primaryRegulator), slot(2, opened(2)), slot(3, settled(2)));
  const holder = new ToyHolder();
  const deposit = (key: string, to: number, value: number) =>
    holder.change(order({ to, amount: 1 }, { operation: "deposit", key }), { [`account/${to}`]: value });
  const genesis = holder.change(genesisOrder(["account/1", "account/2"]), { "account/1": 100, "account/2": 100 });
  changes = [genesis, deposit("a", 1, 101), deposit("b", 1, 102)];
  changes.forEach((record, index) => {
    member.change(record);
    if (index < changes.length - undecided) member.decide(slot(4 + index, verified(record)));
  });
  member.serveDisk();
  member.kept.splice(0);
}

/** C2 as the masters compute it. */
function c2Of(object: string): Digest {
  let c2: Digest = ZERO_DIGEST;
  for (const record of changes) {
    const write = summarize(nodeHasher, record).writes.find((it) => it.object === object);
    if (write) c2 = extendC2(nodeHasher, c2, write.c1, passDigest(nodeHasher, digestOf(record)));
  }
  return c2;
}

beforeEach(() => fill());

describe("a pass over the disk", () => {
  test("sends all masters C2 of every object's newest verified version, recomputed from the bytes", () => {
    member.pass(1_000);
    const [first] = member.checksums();
    expect(first).toMatchObject({ identity: "journal-a", since: 6, end: { objects: 2, appliedThrough: 6 } });
    expect(first?.entries).toEqual([
      { object: "account/1", number: 3, c2: c2Of("account/1") },
      { object: "account/2", number: 1, c2: c2Of("account/2") },
    ]);
    expect(member.checksums()).toHaveLength(MASTERS.length);
  });

  test("reads everything from the disk once in a period, and again in the next", () => {
    member.pass(PERIOD_MS);
    expect(member.readCount).toBe(member.journal.length);
    member.pass(PERIOD_MS - 1_000);
    expect(member.readCount).toBe(2 * member.journal.length);
  });

  test("leaves undecided changes out of C2", () => {
    fill({}, 1);
    member.pass(1_000);
    expect(member.checksums()[0]?.entries).toContainEqual(expect.objectContaining({ object: "account/1", number: 2 }));
  });

  test("keeps to its rate", () => {
    fill({ scrubBytesPerSecond: 1_000 });
    member.pass(1_000);
    expect(member.readCount).toBeLessThan(member.journal.length);
    expect(member.checksums()).toEqual([]);
    member.pass(10_000);
    expect(member.checksums()).not.toEqual([]);
  });

  test("waits half a period after a restart, at most one: others wait for what this member serves", () => {
    member.pass(PERIOD_MS / 5);
    member.restart();
    member.readCount = 0;
    member.kept.splice(0);
    member.pass(PERIOD_MS / 2 - 1);
    expect(member.readCount).toBe(0);
    member.pass(PERIOD_MS / 2 + 1_000);
    expect(member.checksums()).toHaveLength(MASTERS.length);
  });

  test("is as slow as its period allows, within its bounds", () => {
    const megabyte = 1024 * 1024;
    const rate = (lastPassBytes: number) => calmRate(lastPassBytes, 30_000, 4 * megabyte);
    expect(rate(0)).toBe(megabyte);
    expect(rate(30 * megabyte)).toBe(2 * megabyte);
    expect(rate(900 * megabyte)).toBe(4 * megabyte);
    expect(calmRate(0, 30_000, 1_000)).toBe(1_000);
  });

  test("is not begun where scrubbing is not configured", () => {
    const plain = new Member(MEMBERS[1]);
    plain.wait(1_000);
    expect(plain.effects.filter(({ kind }) => kind === "readRecord")).toEqual([]);
  });
});

describe("a damaged record", () => {
  beforeEach(() => fill({ memory: { headBytesMax: 1, recordBytesMax: 1 } }));

  const supply = (record: ChangeRecord | undefined, from: string = MEMBERS[0]) => {
    if (record) member.receive(from, { kind: "changes", records: [record] });
    member.serveDisk();
  };

  test("of a verified change is fetched from another member and written again, and the administrator hears of both", () => {
    const number = member.numberOf("accepted", 1);
    member.damaged.add(number);
    member.pass(400);
    expect(member.messages("fetchChanges")).toContainEqual({
      kind: "fetchChanges",
      digests: [digestOf(changes[1] as ChangeRecord)],
      requestIds: [changes[1]?.ticket.body.requestId],
    });
    supply(changes[1]);
    member.pass(1_000);
    expect(member.repaired).toEqual([number]);
    expect(member.events()).toEqual([`found ${number} #0`, `repaired ${number} account/1#2`]);
    expect(member.core.scrub).toMatchObject({ found: 1, repaired: 1 });
  });

  test("makes no pass whole before it is repaired; then the pass is", () => {
    member.damaged.add(member.numberOf("accepted", 1));
    member.pass(400);
    expect(member.checksums()).toEqual([]);
    supply(changes[1]);
    member.pass(1_000);
    expect(member.checksums()[0]?.end).toBeDefined();
  });

  test("is not repaired with another change than the decided one", () => {
    member.damaged.add(member.numberOf("accepted", 1));
    member.pass(400);
    supply(changes[2]);
    supply({ ...(changes[1] as ChangeRecord), reply: '{"body":1,"status":200}' });
    expect(member.repaired).toEqual([]);
    member.pass(PERIOD_MS);
    expect(member.damaged.size).toBe(1);
  });

  test("is asked of one member after the other while nobody answers, and again in the next pass", () => {
    member.damaged.add(member.numberOf("accepted", 1));
    member.pass(PERIOD_MS - 500);
    const asked = member.kept.flatMap((effect) =>
      effect.kind === "send" && effect.message.kind === "fetchChanges" ? [effect.to] : [],
    );
    expect(new Set(asked)).toEqual(new Set([MEMBERS[0], MEMBERS[1]]));
    const before = asked.length;
    member.pass(PERIOD_MS);
    expect(member.messages("fetchChanges").length).toBeGreaterThan(before);
    expect(member.events()).toEqual([`found ${member.numberOf("accepted", 1)} #0`]);
  });

  test("of a change that is in memory is written again at once, without asking anybody", () => {
    fill();
    const number = member.numberOf("accepted", 1);
    member.damaged.add(number);
    member.pass(1_000);
    expect(member.repaired).toEqual([number]);
    expect(member.messages("fetchChanges")).toEqual([]);
    expect(member.checksums()[0]?.end).toBeDefined();
  });

  test("that somebody needed is looked for at once, not at the next period", () => {
    member.pass(1_000);
    member.damaged.add(member.numberOf("accepted", 1));
    member.receive("configuration-manager-1", { kind: "describeObject", query: "q", object: "account/1" });
    member.serveDisk();
    member.pass(600);
    expect(member.core.scrub.found).toBe(1);
  });

  test("of an undecided change is written again from memory", () => {
    fill({}, 1);
    const number = member.numberOf("accepted", 2);
    member.damaged.add(number);
    member.pass(1_000);
    expect(member.repaired).toEqual([number]);
  });

  test("that names the journal is written again", () => {
    member.damaged.add(member.numberOf("identity"));
    member.pass(1_000);
    expect(member.repaired).toEqual([0]);
  });

  test("many at once are all found and repaired", () => {
    for (const nth of [0, 1, 2]) member.damaged.add(member.numberOf("accepted", nth));
    for (let round = 0; round < 3; round++) {
      member.pass(300);
      for (const record of changes) supply(record);
    }
    expect(member.damaged.size).toBe(0);
    expect(member.repaired).toHaveLength(3);
  });
});

describe("events for the administrator", () => {
  test("are repeated until the primary has passed them on", () => {
    member.damaged.add(member.numberOf("applied"));
    member.pass(2_500);
    const sent = member.messages("damage").length;
    expect(sent).toBeGreaterThanOrEqual(2 * MASTERS.length);
    const [message] = member.messages("damage") as unknown as { events: DamageEvent[] }[];
    member.receive(MASTERS[0], { kind: "damageNoted", through: message?.events.at(-1)?.number ?? 0 });
    member.pass(2_000);
    expect(member.messages("damage").length).toBe(sent);
  });
});
