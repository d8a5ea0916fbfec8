import { type Digest, LIMITS, type RequestId } from "@redoubt/shared";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Checkpoint, DAMAGED } from "../core.ts";
import { digestText } from "../digests.ts";
import { nodeHasher as hasher } from "../testing/hasher.test-support.ts";
import { isSameState } from "./checkpoint.ts";
import { createTrafficRegulator } from "./regulator.ts";
import { SeenFilter } from "./seen-filter.ts";
import { application, configurationOf, MASTERS, Stage } from "./stage.test-support.ts";
import type { AdmittedRecord, RegulatorRecord, TrafficRegulator } from "./types.ts";

const WALL = 1_700_000_000_000;
const idOf = (number: number): RequestId => digestText(hasher, "request", String(number)) as string as RequestId;

function admitted(number: number): AdmittedRecord {
  return {
    kind: "admitted",
    requestId: idOf(number),
    clientId: `client-${number % 3}`,
    key: `key ${number} ü`,
    address: "127.9.0.1",
    operation: number % 4 === 0 ? "get" : "put",
    applicationVersion: "application",
    inputText: JSON.stringify({ object: `o${number % 5}` }),
    inputDigest: digestText(hasher, "input", String(number)),
    admittedAt: WALL + number * 1_000,
    seed: digestText(hasher, "seed", String(number)) as AdmittedRecord["seed"],
    ...(number % 6 === 5 ? { released: true } : {}),
  };
}

function quarantined(number: number): Extract<RegulatorRecord, { kind: "quarantined" }> {
  const { kind: _kind, admittedAt, seed, released: _released, ...request } = admitted(number);
  const hold = { until: WALL + 60_000, home: number, admittedAt, seed, attempts: 3 };
  const why = {
    reason: "crash",
    check: "crash",
    detail: "\ud800 alone",
    executionServer: "execution-server-1",
  } as const;
  return {
    ...request,
    ...why,
    kind: "quarantined",
    attempt: 3,
    blamed: true,
    at: WALL,
    ...(number % 3 === 2 ? { hold } : {}),
  };
}

/** One record of each kind about the request or thing of that number; a new kind of record does not compile without one. */
const EXAMPLES: {
  readonly [Kind in RegulatorRecord["kind"]]: (number: number) => Extract<RegulatorRecord, { kind: Kind }>;
} = {
  admitted,
  attempt: (number) => ({ kind: "attempt", requestId: idOf(number), attempt: 2 + (number % 3) }),
  verified: (number) => ({ kind: "verified", requestId: idOf(number), status: 200, bodyText: `"${number}"`, at: WALL }),
  quarantined,
  holdEnding: (number) => ({ kind: "holdEnding", requestId: idOf(number) }),
  holdEnded: (number) => ({ kind: "holdEnded", requestId: idOf(number) }),
  withdrawn: (number) => ({ kind: "withdrawn", requestId: idOf(number) }),
  unqualified: (number) => ({
    ...{
      kind: "unqualified",
      clientId: "",
      address: "127.9.0.2",
      operation: "put",
      status: 401,
      problem: "credential",
    },
    ...{ detail: `detail ${number}`, omitted: number % 3, at: WALL },
  }),
  blocked: (number) => ({
    ...{ kind: "blocked", requestId: idOf(number), reason: "malformed", at: WALL },
    ...(number % 2 === 0 ? { principal: `client-${number % 3}` } : { address: `127.9.1.${number % 3}` }),
  }),
  unblocked: (number) => ({
    kind: "unblocked",
    ...(number % 2 === 0 ? { principal: `client-${number % 3}` } : { address: `127.9.1.${number % 3}` }),
  }),
  signature: (number) => ({
    ...{ kind: "signature", signature: `signature ${number}`, operation: "put", requestId: idOf(number) },
    inputDigest: digestText(hasher, "input", String(number)),
  }),
  signatureRevoked: (number) => ({ kind: "signatureRevoked", signature: `signature ${number}` }),
  reviewed: (number) => ({ kind: "reviewed", requestId: idOf(number), state: "released", order: `order ${number}` }),
  fact: (number) => ({
    ...{ kind: "fact", number: number + 1, at: WALL },
    fact: {
      ...{ kind: "discardServer", server: `execution-server-${1 + (number % 3)}`, incarnation: "1" },
      ...{ requestId: idOf(number), detector: "crash", check: "crash", detail: "" },
    },
  }),
  factsAcknowledged: (number) => ({ kind: "factsAcknowledged", through: number }),
  configuration: (number) => ({
    kind: "configuration",
    configuration: {
      ...{ kind: "regulatorConfiguration", version: number + 2, clients: [], acceptanceTestServers: [] },
      executionServers: [{ server: "execution-server-1", incarnation: String(1 + (number % 2)), publicKey: "key" }],
      ...{ members: ["state-replica-1"], masters: ["state-master-1"], faultsTolerated: 0, profile: "basic" },
      ...{ strictPaper: false, exemptAddresses: [] },
    },
  }),
  genesisDone: (number) => ({ kind: "genesisDone", applicationVersion: number % 2 === 0 ? "application" : "another" }),
  passedOn: (number) => ({ kind: "passedOn", requestId: idOf(number), applicationVersion: "another" }),
  trial: (number) => ({ kind: "trial", order: 1 + (number % 2), admitted: number }),
  breaker: (number) => ({
    kind: "breaker",
    circuit: {
      ...{ applicationVersion: "application", operation: "put", check: `check ${number % 3}` },
      ...{ openedAt: WALL + number, openUntil: WALL + number + 300_000, withheld: number },
    },
  }),
  placement: (number) => ({
    kind: "placement",
    through: number + 1,
    domains: [
      {
        ...{ epoch: number + 1, clusters: [{ from: 0, to: 1023 }], holder: "execution-server-1" },
        ...{ members: ["state-replica-1"], wanted: ["state-replica-1"], faultsTolerated: 0, settled: number % 2 === 0 },
      },
    ],
    heads: [[number % 7, digestText(hasher, "head", String(number)) as Digest]],
  }),
};

const KINDS = Object.keys(EXAMPLES) as RegulatorRecord["kind"][];
/** Requests come and go; the rest is mixed in. */
const history = fc.array(
  fc.tuple(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom("admitted", "attempt", "verified", "quarantined", "holdEnding", "holdEnded"),
      },
      { weight: 4, arbitrary: fc.constantFrom(...KINDS) },
    ),
    fc.nat({ max: 24 }),
  ),
  { maxLength: 60 },
);

/** A started regulator that has taken in this journal, from this checkpoint on. It is alone, and time stands still. */
function regulatorOf(journal: readonly RegulatorRecord[], checkpoint?: Checkpoint) {
  const core = createTrafficRegulator(
    { hasher, random: () => 0.5, verifySignature: () => false, makeKey: () => digestText(hasher, "key", "one") },
    { self: "traffic-regulator-1", masters: MASTERS, application, initial: configurationOf(), verifiedInMemoryMax: 4 },
  );
  const time = { now: 1, wall: WALL + 30_000 };
  const through = checkpoint?.through ?? 0;
  if (checkpoint) core.step({ ...time, kind: "restore", checkpoint: checkpoint.parts, through });
  core.step({ ...time, kind: "replay", first: through, records: journal.slice(through) });
  core.step({ ...time, kind: "start", durable: [] });
  return core;
}

function checkpointOf(core: TrafficRegulator): Checkpoint {
  const checkpoint = core.checkpoint();
  if (!checkpoint) throw new Error("a regulator that has started has a checkpoint");
  return checkpoint;
}

describe("a regulator started from a checkpoint", () => {
  test("has the same state as one that reads its whole journal, whatever the history and wherever the checkpoint", () => {
    fc.assert(
      fc.property(history, fc.nat({ max: 60 }), (events, cut) => {
        const journal = events.map(([kind, number]): RegulatorRecord => EXAMPLES[kind](number));
        const checkpoint = checkpointOf(regulatorOf(journal.slice(0, cut)));
        expect(checkpoint.through).toBe(Math.min(cut, journal.length));
        const restored = checkpointOf(regulatorOf(journal, checkpoint));
        const replayed = checkpointOf(regulatorOf(journal));
        expect(isSameState(restored, replayed)).toBe(true);
        // What it is only more careful by is the same here, too: time stood still.
        expect(restored).toEqual(replayed);
      }),
      { numRuns: 300 },
    );
  });

  test.each(KINDS)("has taken in the record %s: another one leads to another state", (kind) => {
    const base = [
      admitted(1),
      admitted(2),
      quarantined(7),
      quarantined(8),
      EXAMPLES.blocked(4),
      EXAMPLES.signature(4),
      EXAMPLES.fact(3),
    ];
    const number =
      {
        signatureRevoked: 4,
        unblocked: 4,
        factsAcknowledged: 4,
        reviewed: 7,
        admitted: 3,
        holdEnding: 8,
        holdEnded: 8,
      }[kind as string] ?? 2;
    const [before, after] = [regulatorOf(base), regulatorOf([...base, EXAMPLES[kind](number)])];
    const withoutNumber = ({ parts }: Checkpoint) =>
      parts.map((part) => Buffer.from(part).toString("latin1").slice(60));
    expect(withoutNumber(checkpointOf(after))).not.toEqual(withoutNumber(checkpointOf(before)));
  });

  test("refuses a checkpoint of another place and a journal with a hole", () => {
    const journal = [admitted(1), admitted(2), admitted(3)];
    const checkpoint = checkpointOf(regulatorOf(journal.slice(0, 2)));
    expect(() => regulatorOf(journal, { ...checkpoint, through: 1 })).toThrow("which records it stands for");
    const damaged = [admitted(1), DAMAGED] as unknown as RegulatorRecord[];
    expect(() => regulatorOf(damaged)).toThrow("record 1 of the journal is damaged");
  });
});

describe("exactly once does not end with the journal below a checkpoint", () => {
  test("a verified request gets its reply again, a rejected one its 403, a reused key 422, an expired one 410", () => {
    const windowMs = 60_000;
    const stage = new Stage({}, { windowMs });
    const good = stage.dispatch("alice", { object: "a" }, { key: "k" });
    stage.answerAll(good);
    stage.restart(stage.checkpoint());
    expect(stage.status(stage.admit("alice", { object: "a" }, { key: "k" }))).toBe(200);
    expect(stage.status(stage.admit("alice", { object: "b" }, { key: "k" }))).toBe(422);
    stage.now += windowMs + 1_000;
    stage.restart(stage.checkpoint());
    const late = stage.admit("alice", { object: "a" }, { key: "k" });
    const decision = stage.verified(good);
    if (decision.kind !== "verified") throw new Error("unreachable");
    const outcome = {
      kind: "verified" as const,
      change: decision.change,
      replyDigest: decision.replyDigest,
      admittedAt: good.ticket.body.now,
    };
    stage.message("state-master-1", { kind: "outcomes", outcomes: [{ requestId: good.requestId, outcome }] });
    expect(stage.status(late)).toBe(410);
    expect(stage.dispatches).toHaveLength(1);
  });

  test("a pending request stays pending under its attempt number, and a block holds", () => {
    const journal = [admitted(1), EXAMPLES.attempt(1), EXAMPLES.blocked(1), quarantined(2)];
    const core = regulatorOf(journal, checkpointOf(regulatorOf(journal)));
    expect(core.describe(idOf(1))).toMatchObject({ log: "L3" });
    expect(core.describe(idOf(2))).toMatchObject({ log: "L1" });
    expect(core.isBlocked({ address: "127.9.1.1" })).toBe(true);
    expect(core.logs).toMatchObject({ L1: 1, L3: 1 });
  });

  test("ids are remembered as seen for seven windows at least, and the memory of them does not grow", () => {
    const windowMs = LIMITS.idempotencyWindowMs;
    const filter = new SeenFilter(2 ** 16);
    filter.age(WALL, 7 * windowMs);
    filter.add(idOf(1));
    filter.age(WALL + 7 * windowMs, 7 * windowMs);
    filter.add(idOf(2));
    expect([filter.mayHave(idOf(1)), filter.mayHave(idOf(2))]).toEqual([true, true]);
    filter.age(WALL + 14 * windowMs, 7 * windowMs);
    expect([filter.mayHave(idOf(1)), filter.mayHave(idOf(2))]).toEqual([false, true]);
  });
});
