import type { ServerName } from "@redoubt/shared";
import { expect, test } from "vitest";
import { append, hello, hostOf } from "./host.test-support.ts";
import { Host, type HostEffect, type HostInput } from "./host.ts";
import { seededRandom } from "./random.ts";
import { VirtualTime } from "./virtual-time.ts";

test("nothing leaves before what was to be synced first is on the disk", () => {
  const { host, sent, act, rest } = hostOf();
  act(append("a"), hello);
  expect(sent).toHaveLength(0);
  rest();
  expect(sent).toHaveLength(1);
  expect(host.disk.records).toEqual(["a"]);
});

test("a crash loses what has not left; what has left was durable before", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { host, sent, started, act, rest } = hostOf(seed);
    act(append("a"), hello);
    rest();
    act(append("b"), append("c"), hello);
    host.crash("killed");
    rest();
    expect(sent).toHaveLength(1);
    host.start();
    expect([["a"], ["a", "b"], ["a", "b", "c"]]).toContainEqual(started.at(-1));
  }
});

test("written records survive the process, but a power cut may take their tail", () => {
  const losses = new Set<number>();
  for (let seed = 1; seed <= 40; seed++) {
    const { host, started, act, rest } = hostOf(seed);
    act(append("a"));
    rest();
    act(append("b", "written"), append("c", "written"));
    host.crash("killed");
    host.start();
    expect(started.at(-1)).toEqual(["a", "b", "c"]);
    act(append("d", "written"));
    host.crash("power-cut");
    host.start();
    expect(started.at(-1)?.[0]).toBe("a");
    losses.add(started.at(-1)?.length ?? 0);
  }
  expect(losses).toEqual(new Set([1, 2, 3, 4]));
});

test("what was written 50 ms ago survives a power cut too", () => {
  const { host, started, act, rest } = hostOf();
  act(append("a", "written"));
  rest();
  host.crash("power-cut");
  host.start();
  expect(started.at(-1)).toEqual(["a"]);
});

test("a frozen process takes nothing in and catches up in order; killed while frozen, it loses it", () => {
  const { host, taken, act, rest } = hostOf();
  host.freeze(50);
  act(hello);
  host.deliver({ kind: "second" });
  expect(taken).toEqual(["start"]);
  rest();
  expect(taken).toEqual(["start", "act", "second"]);
  host.freeze(50);
  host.deliver({ kind: "third" });
  host.crash("killed");
  host.start();
  rest();
  expect(taken).toEqual(["start", "act", "second", "start"]);
});

test("a run that never comes to rest is ended", () => {
  const time = new VirtualTime();
  const again = (): void => time.later(0.001, again);
  again();
  time.runUntil(Number.POSITIVE_INFINITY, () => false);
  expect(time.isExhausted).toBe(true);
});

/** A core that makes checkpoints: each is the number of records it has put out. */
function checkpointedHost(seed: number) {
  const time = new VirtualTime();
  let lives: HostInput[][] = [];
  const plan = {
    server: "state-replica-1" as ServerName,
    component: "state-replica" as const,
    create: () => {
      const inputs: HostInput[] = [];
      lives = [...lives, inputs];
      let count = 0;
      return {
        step(input: HostInput & { readonly effects?: HostEffect[]; readonly records?: []; readonly through?: number }) {
          inputs.push(input);
          const effects = input.effects ?? [];
          count += (input.through ?? 0) + (input.records?.length ?? 0) + effects.filter(isAppend).length;
          return effects;
        },
        wakeAt: undefined,
        checkpoint: () => ({ through: count, parts: [] }),
      };
    },
  };
  const surroundings = {
    now: () => time.now,
    later: (delay: number, run: () => void) => time.later(delay, run),
    send: () => undefined,
    perform: () => undefined,
  };
  const host = new Host(plan, surroundings, seededRandom(seed));
  host.start();
  const act = (...effects: HostEffect[]) => host.deliver({ kind: "act", effects } as { kind: string });
  const rest = () => time.runUntil(time.now + 100, () => false);
  return { host, act, rest, inputs: () => lives.at(-1) ?? [] };
}

const isAppend = (effect: HostEffect): boolean => effect.kind === "append";
const of = (inputs: readonly HostInput[], kind: string) =>
  inputs.filter((input) => input.kind === kind) as unknown as Record<string, unknown>[];

test("a restart gives a checkpoint, or none, and every record from there on, in order and without a gap", () => {
  const origins = new Set<unknown>();
  for (let seed = 1; seed <= 30; seed++) {
    const { host, act, rest, inputs } = checkpointedHost(seed);
    for (let record = 0; record < 600; record++) act(append(`record ${record}`));
    rest();
    host.crash("power-cut");
    host.start();
    const restored = of(inputs(), "restore")[0];
    origins.add(restored?.through);
    let next = Number(restored?.through ?? 0);
    for (const { first, records } of of(inputs(), "replay") as { first: number; records: string[] }[]) {
      expect(first).toBe(next);
      for (const record of records) expect(record).toBe(`record ${next++}`);
    }
    expect(next).toBe(600);
    expect(of(inputs(), "start")).toMatchObject([{ durable: [] }]);
  }
  expect(origins.size).toBeGreaterThan(5);
  expect(origins).toContain(undefined);
});

test("a record is read back; damaged, it is not, until it was repaired with its own bytes", () => {
  const { host, act, rest, inputs } = checkpointedHost(1);
  const read = (token: string): HostEffect => ({ kind: "readRecord", number: 1, token, fresh: true }) as HostEffect;
  const repair = (record: string): HostEffect => ({ kind: "repairRecord", number: 1, record }) as HostEffect;
  act(append("a"), append("b"), read("one"));
  rest();
  host.disk.damage(1);
  act(read("two"), repair("x"));
  rest();
  act(repair("b"));
  rest();
  act(read("three"));
  rest();
  const answers = of(inputs(), "recordRead").map(({ token, record }) => [token, record]);
  expect(answers).toEqual([
    ["one", "b"],
    ["two", undefined],
    ["three", "b"],
  ]);
  expect(of(inputs(), "recordRepaired").map(({ ok }) => ok)).toEqual([false, true]);
  host.disk.damage(0);
  host.crash("killed");
  host.start();
  expect(of(inputs(), "replay").flatMap(({ records }) => records)).toContainEqual({ kind: "damaged" });
});
