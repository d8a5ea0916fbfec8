/** A host with a core that tests tell what to do. */
import { send } from "@redoubt/protocol";
import type { ServerName } from "@redoubt/shared";
import { Host, type HostEffect, type HostInput } from "./host.ts";
import { seededRandom } from "./random.ts";
import { VirtualTime } from "./virtual-time.ts";

/** A core that does what its inputs say. */
export function hostOf(seed = 1) {
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

export const append = (record: string, durability: "synced" | "written" = "synced"): HostEffect => ({
  kind: "append",
  record,
  durability,
});
export const hello = send("state-master", "state-master-1", { kind: "follow", after: 0, restarted: false });
