import {
  type AnyMessage,
  componentOf,
  hasLayout,
  hasShape,
  isOfItsShape,
  MAY_SEND,
  type ServerName,
} from "@redoubt/shared";
import { expect, test } from "vitest";
import { nodeHasher } from "./hasher.test-support.ts";
import { runSeed } from "./scenario.ts";

interface Received {
  readonly kind: string;
  readonly from?: { readonly server: ServerName };
  readonly message?: AnyMessage;
}

const MAY_LIE: ReadonlySet<string | undefined> = new Set(["state-replica", "acceptance-test-server"]);
/** State explorer and replicas' own disks: nothing of it in these worlds. */
const NOT_SEEN: readonly string[] = ["objectDescription"];
const SEEDS_MIN = 6;
const SEEDS_MAX = 60;

test("every message of state replicas and acceptance test servers, as they send it, is of the shape that receivers ask for", {
  timeout: 180_000,
}, () => {
  const misshapen = new Map<string, AnyMessage>();
  const seen = new Set<string>();
  const isSeen = () => [...KINDS].every((kind) => seen.has(kind) || NOT_SEEN.includes(kind));
  // Which seed needs which message changes with every new behaviour.
  for (let seed = 1; seed <= SEEDS_MIN || (!isSeen() && seed <= SEEDS_MAX); seed++) {
    runSeed(seed, nodeHasher, {
      wrapCore: (core) => {
        const step: typeof core.step = (input) => {
          const { from, message } = input as unknown as Received;
          if (from && message && MAY_LIE.has(componentOf(from.server)) && !hasLayout(message.kind)) {
            seen.add(message.kind);
            if (!isOfItsShape(message)) misshapen.set(message.kind, message);
          }
          return core.step(input);
        };
        return new Proxy(core, {
          get: (target, name) => {
            if (name === "step") return step;
            const value: unknown = Reflect.get(target, name, target);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      },
    });
  }
  expect([...misshapen]).toEqual([]);
  expect([...KINDS].filter((kind) => !seen.has(kind))).toEqual(NOT_SEEN);
});

const KINDS = new Set(
  Object.values(MAY_SEND)
    .flatMap((row) => [...(row["state-replica"] ?? []), ...(row["acceptance-test-server"] ?? [])])
    .filter((kind) => !hasLayout(kind)),
);

test("there is a shape for everything they may send that has no layout", () => {
  expect([...KINDS].filter((kind) => !hasShape(kind))).toEqual([]);
});
