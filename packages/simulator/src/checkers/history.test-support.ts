/** A healthy history of a real run without faults, and copies of it with something wrong in them. */

import type { Decision, Digest } from "@redoubt/shared";
import { nodeHasher } from "../hasher.test-support.ts";
import type { ClientOperation, Observation, StoredChange } from "../observation.ts";
import { planWorld } from "../scenario.ts";
import { World } from "../world.ts";

type Mutable<Value> = Value extends string | number | boolean
  ? Value
  : Value extends ReadonlyMap<infer Key, infer Inner>
    ? Map<Key, Mutable<Inner>>
    : Value extends ReadonlySet<infer Item>
      ? Set<Item>
      : Value extends readonly (infer Item)[]
        ? Mutable<Item>[]
        : Value extends object
          ? { -readonly [Name in keyof Value]: Mutable<Value[Name]> }
          : Value;

const TAMPERABLE = [
  "operations",
  "decisions",
  "stored",
  "executionsAfterRejection",
  "versionRows",
  "releases",
  "rejections",
  "closings",
  "snapshots",
] as const satisfies readonly (keyof Observation)[];

export type Draft = Mutable<Pick<Observation, (typeof TAMPERABLE)[number]>>;
export type Verified = Mutable<Extract<Decision, { kind: "verified" }>>;

function runHealthy(): Observation {
  const plan = planWorld(1, nodeHasher);
  const world = new World({
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, masters: 3, executionServers: 2 },
    clients: ["honest-1", "honest-2", "honest-3"].map((name) => ({ name, operations: 12, attacks: [] })),
    faults: undefined,
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    safetyPhaseMs: 800,
  });
  world.run();
  return world.observation();
}

let healthy: Observation | undefined;

export function healthyHistory(): Observation {
  healthy ??= runHealthy();
  return healthy;
}

/** The healthy history with one thing wrong. */
export function tampered(tamper: (draft: Draft) => void, faulty: readonly string[] = []): Observation {
  const healthyOne = healthyHistory();
  const { digestReply, hasher } = healthyOne;
  const draft = structuredClone(
    Object.fromEntries(TAMPERABLE.map((name) => [name, healthyOne[name]])),
  ) as unknown as Draft;
  tamper(draft);
  return { ...(draft as unknown as Observation), faultyReplicas: new Set(faulty), digestReply, hasher };
}

/** Changes every verified decision (that is no read) that the condition holds for, on all masters. */
export function eachVerified(draft: Draft, change: (decision: Verified, all: Mutable<Decision>[]) => void): void {
  for (const stream of draft.decisions.values()) {
    for (const slot of stream) {
      for (const decision of [...slot.decisions])
        if (decision.kind === "verified" && !decision.readOnly) change(decision, slot.decisions);
    }
  }
}

/** The answered operation of that kind that came last. */
export function lastOf(draft: Draft, operation: string): Mutable<ClientOperation> {
  const found = draft.operations.filter((each) => each.operation === operation && each.status === 200).at(-1);
  if (!found) throw new Error(`the healthy history has no ${operation}`);
  return found;
}

/** The record of a request on every disk. */
export function recordsOf(draft: Draft, requestId: string | undefined): Mutable<StoredChange>[] {
  return [...draft.stored.values()].flatMap((changes) =>
    changes.filter(({ record }) => record.ticket.body.requestId === requestId),
  );
}

export const invariantsOf = (violations: readonly { readonly invariant: string }[]): string[] => [
  ...new Set(violations.map(({ invariant }) => invariant)),
];

export const otherDigest = (letter: string): Digest => letter.repeat(64) as Digest;
