import type { FeedEvent, NumberedFact, RegulatorFact, RequestId } from "@redoubt/shared";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { waitUntil } from "../adapters/testing/wait.ts";
import { FactIntake } from "./facts.ts";
import { DATABASE_START_MS, startTestDatabase, type TestDatabase } from "./testing/manager-database.ts";

let manager: TestDatabase;
let acknowledged: number[];
let noted: RegulatorFact[];
let discarded: string[];
let events: FeedEvent[];
let stopListening: () => void = () => undefined;
/** Each test is a regulator of its own time: later facts than those of the test before. */
let now = 1_000;

beforeAll(async () => {
  manager = await startTestDatabase();
}, DATABASE_START_MS);
afterAll(() => manager.stop(), DATABASE_START_MS);

beforeEach(() => {
  [acknowledged, noted, discarded, events] = [[], [], [], []];
  now += 1_000_000;
  stopListening();
  stopListening = manager.feed.subscribe((event) => events.push(event));
});

async function openIntake(): Promise<FactIntake> {
  const intake = newIntake();
  intake.open(await manager.database.readOpening());
  return intake;
}

const newIntake = (): FactIntake =>
  new FactIntake({
    database: manager.database,
    feed: manager.feed,
    incidents: manager.incidents,
    regulator: { acknowledge: (through) => acknowledged.push(through), noteFact: (fact) => noted.push(fact) },
    nodeOf: () => "node-1",
    titleOf: (operation) => `Title of ${operation}`,
    severityOf: () => "low",
    discard: (server, incarnation) => discarded.push(`${server} ${incarnation}`),
    onFailure: (error) => {
      throw error;
    },
  });

const requestOf = (number: number): RequestId => (now + number).toString(16).padStart(64, "0") as RequestId;
const numbered = (number: number, fact: RegulatorFact): NumberedFact => ({ number, at: now + number, fact });
const quarantined = (number: number): NumberedFact =>
  numbered(number, {
    kind: "quarantined",
    requestId: requestOf(number),
    attempt: 1,
    operation: "transfer",
    clientId: "mallory",
    host: "127.9.0.7",
    reason: "acceptance-test",
    check: "conserves",
    detail: "the sum must stay",
    executionServer: "execution-server-1",
    payload: '{"amount":1}',
    state: "rejected",
    evidence: { blamed: true },
  });
const discard = (number: number): NumberedFact =>
  numbered(number, {
    kind: "discardServer",
    server: "execution-server-1",
    incarnation: `1.${number}`,
    requestId: requestOf(number),
    detector: "acceptance-test",
    check: "conserves",
    detail: "the sum must stay",
  });

const throughIs = (number: number) => waitUntil(() => acknowledged.at(-1) === number, `acknowledgement of ${number}`);

describe("facts of the regulator", () => {
  test("are in the database and told before they are acknowledged", async () => {
    const intake = await openIntake();
    intake.take([quarantined(1)]);
    await throughIs(1);
    const row = await manager.database.store?.quarantine.get(requestOf(1));
    expect(row).toMatchObject({ state: "new", client: "mallory", title: "Title of transfer", severity: "low" });
    expect(events.map(({ kind }) => kind)).toEqual(["quarantine.added"]);
    expect(noted).toHaveLength(1);
  });

  test("have no second effect when they are repeated, also to a manager that started again", async () => {
    const intake = await openIntake();
    intake.take([quarantined(1), quarantined(2)]);
    await throughIs(2);
    intake.take([quarantined(1), quarantined(2)]);
    const successor = await openIntake();
    successor.take([quarantined(1), quarantined(2), quarantined(3)]);
    await throughIs(3);
    expect(events.map((event) => event.kind === "quarantine.added" && event.requestId)).toEqual([
      requestOf(1),
      requestOf(2),
      requestOf(3),
    ]);
  });

  test("are taken in the order of their numbers, however they arrive", async () => {
    const intake = await openIntake();
    intake.take([quarantined(1)]);
    await throughIs(1);
    intake.take([quarantined(3)]);
    intake.take([quarantined(2), quarantined(3)]);
    await throughIs(3);
    expect(noted.map((fact) => "requestId" in fact && fact.requestId)).toEqual([1, 2, 3].map(requestOf));
  });

  test("of a regulator that has lost its journal, and counts from 1 again, are new", async () => {
    const intake = await openIntake();
    intake.take([quarantined(1), quarantined(2)]);
    await throughIs(2);
    now += 1_000;
    intake.take([quarantined(1)]);
    await throughIs(1);
    expect(noted).toHaveLength(3);
  });

  test("discard a process at once, before there is a database to write to", () => {
    newIntake().take([discard(1)]);
    expect(discarded).toEqual(["execution-server-1 1.1"]);
    expect(acknowledged).toEqual([]);
  });

  test("exonerate the discarded server when the request is condemned", async () => {
    const intake = await openIntake();
    const condemned = quarantined(2);
    intake.take([discard(1), { ...condemned, fact: { ...condemned.fact, requestId: requestOf(1) } as RegulatorFact }]);
    await throughIs(2);
    const verdicts = () => events.flatMap((event) => (event.kind === "server.discarded" ? [event.verdict] : []));
    const isClosed = () => events.some(({ kind }) => kind === "incident.closed");
    await waitUntil(() => verdicts().length === 2 && isClosed(), "both verdicts and the end of the incident");
    expect(verdicts()).toEqual(["suspected", "exonerated"]);
  });

  test("block and unblock, and a decision names who took it", async () => {
    const intake = await openIntake();
    const { store } = manager.database;
    intake.take([
      quarantined(1),
      numbered(2, {
        kind: "hostBlocked",
        principal: "mallory",
        address: "127.9.0.7",
        requestId: requestOf(1),
        reason: "x",
      }),
    ]);
    await throughIs(2);
    expect((await store?.screening.activeBlocks(new Date()))?.map(({ value }) => value).sort()).toEqual([
      "127.9.0.7",
      "mallory",
    ]);
    intake.take([
      numbered(3, { kind: "hostUnblocked", principal: "mallory" }),
      numbered(4, { kind: "hostUnblocked", address: "127.9.0.7" }),
      numbered(5, {
        kind: "quarantineChanged",
        requestId: requestOf(1),
        state: "released",
        order: "17/ada@example.org",
      }),
    ]);
    await throughIs(5);
    expect(await store?.screening.activeBlocks(new Date())).toEqual([]);
    expect(await store?.quarantine.get(requestOf(1))).toMatchObject({
      state: "released",
      decidedBy: "ada@example.org",
    });
    expect(events.at(-1)).toMatchObject({ kind: "quarantine.changed", from: "new", to: "released" });
  });

  test("of a signature that a release withdrew and that was learned again put it back", async () => {
    const intake = await openIntake();
    const screening = manager.database.store?.screening;
    const [requestId, signature] = [requestOf(1), `exact-${now}`];
    const learned = { kind: "signatureLearned", signature, requestId, operation: "transfer" } as const;
    const standing = async () => (await screening?.signatures())?.map(({ id }) => id);
    intake.take([quarantined(1), numbered(2, learned)]);
    await throughIs(2);
    expect(await standing()).toEqual([signature]);
    intake.take([numbered(3, { kind: "requestExonerated", requestId, clientId: "mallory" })]);
    await throughIs(3);
    expect(await standing()).toEqual([]);
    intake.take([numbered(4, learned)]);
    await throughIs(4);
    expect(await standing()).toEqual([signature]);
  });

  test("of a held request say until when; released and failed again its review begins anew, and its time may be over", async () => {
    const intake = await openIntake();
    const { store } = manager.database;
    const requestId = requestOf(1);
    const heldUntil = now + 3_600_000;
    const changed = (number: number, state: "released" | "expired", order: string): NumberedFact =>
      numbered(number, { kind: "quarantineChanged", requestId, state, order });
    const { fact: rejected } = quarantined(1);
    if (rejected.kind !== "quarantined") throw new Error("unreachable");
    intake.take([numbered(1, { ...rejected, state: "held", heldUntil })]);
    await throughIs(1);
    const held = { held: true, expiresAt: new Date(heldUntil) };
    expect(await store?.quarantine.get(requestId)).toMatchObject({ ...held, state: "new" });
    intake.take([changed(2, "released", "17/ada@example.org")]);
    await throughIs(2);
    intake.take([numbered(3, { ...rejected, attempt: 5, check: "sum" })]);
    await throughIs(3);
    expect(await store?.quarantine.get(requestId)).toMatchObject({
      ...{ held: false, expiresAt: null, state: "new", attempt: 5, check: "sum", decidedBy: null },
    });
    const other = { ...rejected, requestId: requestOf(4), state: "held" as const, heldUntil };
    const expired = { ...changed(5, "expired", "expiry/nobody").fact, requestId: requestOf(4) };
    intake.take([numbered(4, other), numbered(5, expired)]);
    await throughIs(5);
    expect(await store?.quarantine.get(requestOf(4))).toMatchObject({ state: "expired", decidedBy: null });
    expect(events.at(-1)).toMatchObject({ kind: "quarantine.changed", to: "expired", by: "its time being over" });
  });
});
