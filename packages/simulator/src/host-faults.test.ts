import type { ServerName } from "@redoubt/shared";
import { expect, test } from "vitest";
import { append, hello, hostOf } from "./host.test-support.ts";
import { Host, type HostEffect, type HostInput } from "./host.ts";
import { seededRandom } from "./random.ts";
import { VirtualTime } from "./virtual-time.ts";

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
