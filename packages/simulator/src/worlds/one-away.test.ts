import { describe, expect, test } from "vitest";
import { nodeHasher } from "../hasher.test-support.ts";
import { planWorld, runSeed } from "../scenario.ts";
import { World, type WorldPlan } from "../world.ts";
import { type Absent, AWAY_MS, type Failure, oneAway } from "./one-away.ts";

const TIMEOUT_MS = 60_000;
const LOOK_MS = 50;
/** What was kept waiting by the absence is made up for within this time. */
const AFTER_RETURN_MS = 5_000;
const AT_ONCE_MS = 1_000;

/** When the one failure had each of its three effects, in milliseconds from the failure on. */
interface Effects {
  readonly failure: Failure;
  /** Regulator: the request is in L1 and its client has the definite answer. */
  readonly quarantinedAfter: number;
  /** Manager: the process is ended. */
  readonly endedAfter: number;
  /** Replicas: all of them were told that the change is void. */
  readonly invalidAfter: number;
}

/** Watches from outside. */
function watch(absent: Absent, seed: number): Effects {
  let failure: Failure | undefined;
  let failedAt = 0;
  const told = new Map<string, number>();
  const seen = { quarantined: Number.POSITIVE_INFINITY, ended: Number.POSITIVE_INFINITY };
  const plan = oneAway(absent, (found) => {
    failure = found;
    failedAt = world.time.now;
  })(planWorld(seed, nodeHasher));
  const world: World = new World({ ...plan, wrapCore: listening((server) => told.set(server, world.time.now)) });
  const [attacker] = world.clients.filter(({ name }) => name.startsWith("attacker"));
  const look = (): void => {
    const { now } = world.time;
    if (attacker?.history[0]?.status === 403) seen.quarantined = Math.min(seen.quarantined, now);
    const host = failure && world.host(failure.server);
    if (host && (!host.running || host.life > 1)) seen.ended = Math.min(seen.ended, now);
    world.time.later(LOOK_MS, look);
  };
  world.time.later(LOOK_MS, look);
  world.run();
  if (!failure || told.size < 3) throw new Error("not everybody heard of the failure");
  return {
    failure,
    quarantinedAfter: seen.quarantined - failedAt,
    endedAfter: seen.ended - failedAt,
    invalidAfter: Math.max(...told.values()) - failedAt,
  };

  /** Calls back when a replica hears for the first time that the failed request's change is void. */
  function listening(hears: (server: string) => void): NonNullable<WorldPlan["wrapCore"]> {
    return (core, server, component) => {
      if (component !== "state-replica") return core;
      return new Proxy(core, {
        get(target, name) {
          if (name !== "step") {
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === "function" ? value.bind(target) : value;
          }
          return (input: Parameters<typeof core.step>[0]) => {
            if (!told.has(server) && voidedIn(input).some(({ requestId }) => requestId === failure?.requestId))
              hears(server);
            return target.step(input);
          };
        },
      });
    };
  }
}

interface StreamInput {
  readonly message?: {
    readonly kind: string;
    readonly slots?: readonly {
      readonly decisions: readonly {
        readonly kind: string;
        readonly voided?: readonly { readonly requestId: string }[];
      }[];
    }[];
  };
}

function voidedIn(input: { readonly kind: string }): readonly { readonly requestId: string }[] {
  const { message } = input as StreamInput;
  if (message?.kind !== "stream") return [];
  return (message.slots ?? []).flatMap((slot) => slot.decisions.flatMap(({ voided = [] }) => voided));
}

describe("one failure ends its server, quarantines the request and makes the change void (R42)", () => {
  test.each([1, 2, 3])(
    "at once but for the ending, when the manager is away for 30 s, seed %i",
    (seed) => {
      const { quarantinedAfter, endedAfter, invalidAfter } = watch("configuration manager", seed);
      expect(Math.max(quarantinedAfter, invalidAfter)).toBeLessThan(AT_ONCE_MS);
      expect(endedAfter).toBeGreaterThanOrEqual(AWAY_MS);
      expect(endedAfter).toBeLessThan(AWAY_MS + AFTER_RETURN_MS);
    },
    TIMEOUT_MS,
  );

  test.each([
    ["masters", 1],
    ["masters", 2],
    ["replicas", 1],
    ["replicas", 2],
  ] as const)(
    "the server at once, the rest when they are back, when the %s are away for 30 s, seed %i",
    (absent, seed) => {
      const { quarantinedAfter, endedAfter, invalidAfter } = watch(absent, seed);
      expect(endedAfter).toBeLessThan(AT_ONCE_MS);
      expect(Math.min(quarantinedAfter, invalidAfter)).toBeGreaterThanOrEqual(AWAY_MS);
      expect(Math.max(quarantinedAfter, invalidAfter)).toBeLessThan(AWAY_MS + AFTER_RETURN_MS);
    },
    TIMEOUT_MS,
  );

  test.each([1, 2, 3])(
    "all of it when the regulator is back after 30 s, having told nobody, seed %i",
    (seed) => {
      const { quarantinedAfter, endedAfter, invalidAfter } = watch("regulator", seed);
      expect(Math.min(quarantinedAfter, endedAfter, invalidAfter)).toBeGreaterThanOrEqual(AWAY_MS);
      expect(Math.max(quarantinedAfter, endedAfter, invalidAfter)).toBeLessThan(AWAY_MS + AFTER_RETURN_MS);
    },
    TIMEOUT_MS,
  );

  test.each(["configuration manager", "masters", "replicas", "regulator"] as const)(
    "and nothing else is violated while the %s are away",
    (absent) => {
      const { violations, faults } = runSeed(4, nodeHasher, { alter: oneAway(absent) });
      expect(violations).toEqual([]);
      expect(faults["fact:discardServer"]).toBe(1);
      expect(faults["fact:quarantined"]).toBe(1);
    },
    TIMEOUT_MS,
  );
});
