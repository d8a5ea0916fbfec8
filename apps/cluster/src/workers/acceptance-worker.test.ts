import type { AcceptanceRecord } from "@redoubt/application";
import { ConfidentialIndex } from "@redoubt/application";
import type { Verdict } from "@redoubt/shared";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { LoadedApplication } from "../applications/load-application.ts";
import type { AcceptanceWorker, AcceptanceWorkerOptions } from "./acceptance-worker.ts";
import { createAcceptanceWorker } from "./acceptance-worker.ts";
import { Bundles } from "./testing.ts";

const bundles = new Bundles();
let bank: LoadedApplication;
const workers: AcceptanceWorker[] = [];

beforeAll(async () => {
  bank = await bundles.bank();
});
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.close())));
afterAll(() => bundles.remove());

function tester(application: LoadedApplication, options: Partial<AcceptanceWorkerOptions> = {}) {
  const verdicts = new Map<string, (verdict: Verdict) => void>();
  const worker = createAcceptanceWorker({
    application,
    onVerdict: (id, verdict) => verdicts.get(id)?.(verdict),
    ...options,
  });
  workers.push(worker);
  let tests = 0;
  return (record: AcceptanceRecord): Promise<Verdict> =>
    new Promise((resolve) => {
      const id = `test-${++tests}`;
      verdicts.set(id, resolve);
      worker.test(id, record);
    });
}

const account = (checking: number, holder = "Amara Okafor") => ({ holder, checking, savings: 5 });
const transfer = (taken: number, given: number): AcceptanceRecord => ({
  operation: "transfer",
  applicationVersion: bank.hash,
  input: { from: 1, to: 2, amount: 30 },
  principal: "alice",
  now: 0,
  reads: [
    { object: "account/1", value: account(100) },
    { object: "account/2", value: account(10, "Benedikt Moretti") },
  ],
  writes: [
    { object: "account/1", before: account(100), after: account(100 - taken) },
    { object: "account/2", before: account(10, "Benedikt Moretti"), after: account(10 + given, "Benedikt Moretti") },
  ],
  reply: { status: 200, body: { from: 1, to: 2, amount: 30, checking: 100 - taken } },
});
const statement = (text: string): AcceptanceRecord => ({
  ...transfer(0, 0),
  operation: "statement",
  input: { customer: 1 },
  reads: [{ object: "account/1", value: account(100) }],
  writes: [],
  reply: { status: 200, body: { customer: 1, text } },
});
const probe = (reply: unknown): AcceptanceRecord => ({
  ...transfer(0, 0),
  operation: "probe",
  input: { name: "a", code: "" },
  reads: [],
  writes: [],
  reply: { status: 200, body: reply },
});

describe("verdicts", () => {
  test("a right change passes and a wrong one fails with the named check", async () => {
    const run = tester(bank);
    const verdicts = await Promise.all([run(transfer(30, 30)), run(transfer(30, 60)), run(transfer(40, 40))]);
    expect(verdicts).toMatchObject([
      { kind: "pass" },
      { kind: "fail", check: "conserves" },
      { kind: "fail", check: "amount-moved" },
    ]);
  });

  test("more tests than one batch are all answered", async () => {
    const run = tester(bank);
    const verdicts = await Promise.all(
      Array.from({ length: 500 }, (_, index) => run(transfer(30, index % 2 === 0 ? 30 : 31))),
    );
    expect(verdicts.filter(({ kind }) => kind === "pass")).toHaveLength(250);
  });

  test("a reply with the name of somebody in the host's store fails (A12)", async () => {
    const index = new ConfidentialIndex(bank.contract);
    index.update("account/1", account(100));
    index.update("account/9", account(1, "Wilhelmina Thornbury"));
    const run = tester(bank, { findConfidential: index.find });
    const own = "For Amara Okafor: 100 cents, 5 cents.";
    expect(await run(statement(own))).toEqual({ kind: "pass" });
    expect(await run(statement(`${own} wilhelmina-thornbury`))).toMatchObject({
      kind: "fail",
      check: "confidentiality",
    });
  });
});

describe("a routine that misbehaves", () => {
  test("one that hangs is ended, that test is unable, and the others are tested", async () => {
    const application = await bundles.probe({ accept: "({ reply }) => { while (reply.body === 1) {} }" });
    const run = tester(application, { timeLimitMs: 200 });
    const verdicts = await Promise.all([0, 1, 2, 1, 3].map((reply) => run(probe(reply))));
    expect(verdicts.map(({ kind }) => kind)).toEqual(["pass", "unable", "pass", "unable", "pass"]);
    expect(verdicts[1]).toEqual({ kind: "unable", detail: "the acceptance test did not end within 200 ms" });
  });

  test("one that exhausts its memory is unable", async () => {
    const accept = "({ reply }) => { const all = []; while (reply.body === 1) all.push(new Array(1e5).fill(1.5)); }";
    const run = tester(await bundles.probe({ accept }), { timeLimitMs: 10_000, memoryMegabytes: 32 });
    const verdicts = await Promise.all([run(probe(1)), run(probe(2))]);
    expect(verdicts.map(({ kind }) => kind)).toEqual(["unable", "pass"]);
  });

  test("one that throws fails the change", async () => {
    const run = tester(await bundles.probe({ accept: '() => { throw new Error("oops"); }' }));
    expect(await run(probe(1))).toEqual({ kind: "fail", check: "acceptance-error", detail: "oops" });
  });

  test("a missing bundle makes every test unable instead of waiting for ever", async () => {
    const application = await bundles.probe({});
    const run = tester({
      ...application,
      contract: application.contract,
      directory: bundles.brokenCopy(application.directory),
    });
    expect(await run(probe(1))).toMatchObject({ kind: "unable" });
    expect(await run(probe(1))).toMatchObject({ kind: "unable" });
  });
});
