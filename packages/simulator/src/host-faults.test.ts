import { send } from "@redoubt/protocol";
import type { ServerName } from "@redoubt/shared";
import { expect, test } from "vitest";
import { Host, type HostEffect, type HostInput } from "./host.ts";
import { seededRandom } from "./random.ts";
import { VirtualTime } from "./virtual-time.ts";

/** A core that does what its inputs say. */
function hostOf(seed = 1) {
  const time = new VirtualTime();
  const sent: unknown[] = [];
  const started: unknown[][] = [];
  const taken: string[] = [];
  const plan = {
    server: "state-replica-1" as ServerName,
    component: "state-replica" as const,
    create: () => ({
      step(input: HostInput & { readonly effects?: HostEffect[]; readonly durable?: unknown[] }) {
        taken.push(input.kind);
        if (input.durable) started.push(input.durable);
        return input.effects ?? [];
      },
      wakeAt: undefined,
    }),
  };
  const host = new Host(
    plan,
    {
      now: () => time.now,
      later: (delay, run) => time.later(delay, run),
      send: (_from, effect) => sent.push(effect.message),
      perform: () => undefined,
    },
    seededRandom(seed),
  );
  host.start();
  const act = (...effects: HostEffect[]) => host.deliver({ kind: "act", effects } as { kind: string });
  const rest = () => time.runUntil(time.now + 100, () => false);
  return { host, time, sent, started, taken, act, rest };
}

const append = (record: string, durability: "synced" | "written" = "synced"): HostEffect => ({
  kind: "append",
  record,
  durability,
});
const hello = send("state-master", "state-master-1", { kind: "follow", after: 0, restarted: false });

test("a process can die at any of its effects: what came before has happened, what comes after has not", () => {
  for (let effects = 0; effects < 4; effects++) {
    const { host, sent, act, rest } = hostOf();
    const died: string[] = [];
    host.crashAfter(effects, undefined, (effect) => {
      died.push(effect);
      host.crash("killed");
    });
    act(hello, append("a"), hello, hello);
    rest();
    expect(died).toEqual([["send", "append", "send", "send"][effects]]);
    expect(sent).toHaveLength([0, 1, 1, 2][effects] as number);
    expect(host.running).toBe(false);
  }
});

test("a wall clock jumps and drifts while the monotonic one runs on, until it is set right", () => {
  const walls: number[] = [];
  const time = new VirtualTime();
  const plan = {
    server: "state-master-1" as ServerName,
    component: "state-master" as const,
    create: () => ({
      step(input: HostInput): HostEffect[] {
        walls.push(input.wall - Math.floor(time.now));
        return [];
      },
      wakeAt: undefined,
    }),
  };
  const surroundings = {
    now: () => time.now,
    later: (delay: number, run: () => void) => time.later(delay, run),
    send: () => undefined,
    perform: () => undefined,
  };
  const host = new Host(plan, surroundings, seededRandom(1));
  host.start();
  host.disturbClock(3_600_000, 0.1);
  host.deliver({ kind: "tick" });
  time.at(1_000, () => host.deliver({ kind: "tick" }));
  time.runUntil(2_000, () => false);
  host.heal();
  host.deliver({ kind: "tick" });
  const [right = 0, ...others] = walls;
  expect(others.map((wall) => wall - right)).toEqual([3_600_000, 3_600_100, 0]);
});
