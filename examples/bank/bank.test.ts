import { readFileSync } from "node:fs";
import type { AcceptanceRecord } from "@redoubt/application";
import { TestKit } from "@redoubt/application/test";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import acceptance from "./acceptance.ts";
import contract from "./contract.ts";
import type { Account } from "./execution.ts";
import execution from "./execution.ts";

const LIMIT = Number.MAX_SAFE_INTEGER;
const attack: unknown = JSON.parse(readFileSync(new URL("./attacks/import-statement.json", import.meta.url), "utf8"));

const bank = (): TestKit => new TestKit({ contract, execution, acceptance });
const account = (kit: TestKit, customer: number): Account => kit.value(`account/${customer}`) as Account;
const total = (kit: TestKit): bigint =>
  kit.objects().reduce((sum, object) => {
    const { checking, savings } = kit.value(object) as Account;
    return sum + BigInt(checking) + BigInt(savings);
  }, 0n);

/** Runs a request that must be accepted and returns its reply. */
async function accepted(kit: TestKit, operation: string, input: unknown) {
  const { outcome, reply } = await kit.run(operation, input);
  expect(outcome).toEqual({ pass: true });
  return reply;
}

async function refused(
  kit: TestKit,
  operation: string,
  input: unknown,
  status: number,
  refusal: string,
): Promise<void> {
  const sum = total(kit);
  const reply = await accepted(kit, operation, input);
  expect(reply).toMatchObject({ status, body: { type: `urn:redoubt:bank:${refusal}`, status } });
  expect(total(kit)).toBe(sum);
}

/** The attack pollutes this process, as it pollutes a worker of an execution server; acceptance runs in another process. */
const cleanse = (): void => {
  delete (Object.prototype as { openingBalance?: number }).openingBalance;
};
afterEach(cleanse);

describe("first state", () => {
  test("holds customers 1 to 1000 with 100 000 cents in each account and distinct holders", () => {
    const kit = bank();
    expect(kit.objects()).toHaveLength(1000);
    expect(account(kit, 1)).toMatchObject({ checking: 100_000, savings: 100_000 });
    expect(account(kit, 1000)).toMatchObject({ checking: 100_000, savings: 100_000 });
    expect(new Set(kit.objects().map((object) => (kit.value(object) as Account).holder)).size).toBe(1000);
  });
});

describe("operations", () => {
  test("balance shows exactly customer, checking and savings", async () => {
    const reply = await accepted(bank(), "balance", { customer: 3 });
    expect(reply).toEqual({ status: 200, body: { customer: 3, checking: 100_000, savings: 100_000 } });
  });

  test("deposit adds to the named account only", async () => {
    const kit = bank();
    const reply = await accepted(kit, "deposit", { customer: 3, account: "savings", amount: 50 });
    expect(reply.body).toEqual({ customer: 3, account: "savings", amount: 50, balance: 100_050 });
    expect(account(kit, 3)).toMatchObject({ checking: 100_000, savings: 100_050 });
  });

  test("transfer moves checking to checking", async () => {
    const kit = bank();
    const reply = await accepted(kit, "transfer", { from: 1, to: 2, amount: 30_000 });
    expect(reply.body).toEqual({ from: 1, to: 2, amount: 30_000, checking: 70_000 });
    expect(account(kit, 2)).toMatchObject({ checking: 130_000, savings: 100_000 });
  });

  test("write-check takes checking first and the rest from savings", async () => {
    const kit = bank();
    await accepted(kit, "write-check", { customer: 4, amount: 60_000 });
    expect(account(kit, 4)).toMatchObject({ checking: 40_000, savings: 100_000 });
    await accepted(kit, "write-check", { customer: 4, amount: 60_000 });
    expect(account(kit, 4)).toMatchObject({ checking: 0, savings: 80_000 });
  });

  test("amalgamate moves everything to the other customer's checking", async () => {
    const kit = bank();
    const reply = await accepted(kit, "amalgamate", { from: 5, to: 6 });
    expect(reply.body).toEqual({ from: 5, to: 6, amount: 200_000 });
    expect(account(kit, 5)).toMatchObject({ checking: 0, savings: 0 });
    expect(account(kit, 6)).toMatchObject({ checking: 300_000, savings: 100_000 });
  });

  test("statement is free text with the customer's own name", async () => {
    const kit = bank();
    const reply = await accepted(kit, "statement", { customer: 8 });
    expect((reply.body as { text: string }).text).toContain(account(kit, 8).holder);
  });

  test("import-statement books lines between checking and savings, but not duplicates", async () => {
    const kit = bank();
    const lines = [
      { date: "2026-01-31", text: "savings plan", amount: 2500 },
      { date: "2026-02-01", text: "back", amount: -500, metadata: { category: "other", nested: { deep: true } } },
      { date: "2026-02-01", text: "again", amount: -500, metadata: { duplicate: true } },
    ];
    const reply = await accepted(kit, "import-statement", { customer: 9, lines });
    expect(reply.body).toEqual({ customer: 9, lines: 3, booked: 2000, checking: 98_000, savings: 102_000 });
  });
});

describe("refusals are proved and change nothing", () => {
  const unknown = 4711;
  const line = (amount: number) => [{ date: "2026-01-31", text: "", amount }];
  test.each([
    ["balance", { customer: unknown }],
    ["deposit", { customer: unknown, account: "checking", amount: 1 }],
    ["transfer", { from: unknown, to: 1, amount: 1 }],
    ["transfer", { from: 1, to: unknown, amount: 1 }],
    ["write-check", { customer: unknown, amount: 1 }],
    ["amalgamate", { from: 1, to: unknown }],
    ["statement", { customer: unknown }],
    ["import-statement", { customer: unknown, lines: [] }],
  ])("%s of an unknown customer", (operation, input) => refused(bank(), operation, input, 404, "unknown-customer"));

  test.each([
    ["transfer", { from: 1, to: 2, amount: 100_001 }],
    ["write-check", { customer: 1, amount: 200_001 }],
    ["import-statement", { customer: 1, lines: line(100_001) }],
    ["import-statement", { customer: 1, lines: line(-100_001) }],
  ])("%s with too little money", (operation, input) => refused(bank(), operation, input, 422, "insufficient-funds"));

  test.each([
    ["transfer", { from: 1, to: 1, amount: 1 }],
    ["amalgamate", { from: 1, to: 1 }],
  ])("%s to the same account", (operation, input) => refused(bank(), operation, input, 422, "same-account"));

  test.each([
    ["deposit", { customer: 2, account: "checking", amount: LIMIT }],
    ["transfer", { from: 1, to: 2, amount: 1 }],
    ["amalgamate", { from: 1, to: 2 }],
    ["import-statement", { customer: 2, lines: line(-1) }],
  ])("%s beyond what an account can hold", (operation, input) => {
    const kit = bank();
    kit.put("account/2", { holder: "Full Account", checking: LIMIT, savings: 100_000 });
    return refused(kit, operation, input, 422, "balance-limit");
  });

  test("a refusal that the versions read do not justify is not accepted", async () => {
    const kit = bank();
    const honest = (await kit.run("transfer", { from: 1, to: 2, amount: 200_000 })).record;
    const lie: AcceptanceRecord = { ...honest, input: { from: 1, to: 2, amount: 10 } };
    expect(kit.judge(lie)).toMatchObject({ pass: false, check: "refusal-unproved" });
    expect(kit.judge({ ...honest, reads: [] })).toMatchObject({ pass: false, check: "missing-evidence" });
  });
});

describe("the crafted statement import", () => {
  test("passes the input schema", () => {
    expect(contract.operations["import-statement"].input.safeParse(attack).success).toBe(true);
  });

  test("fails acceptance as money from nowhere", async () => {
    const kit = bank();
    const record = await kit.execute("import-statement", attack);
    cleanse();
    expect(record.reply.status).toBe(200);
    expect(kit.judge(record)).toMatchObject({ pass: false, check: "conserves" });
  });

  test("pollutes the process for the next, innocent request, which acceptance stops too", async () => {
    const kit = bank();
    await kit.execute("import-statement", attack);
    const innocent = await kit.execute("import-statement", { customer: 11, lines: [] });
    cleanse();
    expect(kit.judge(innocent)).toMatchObject({ pass: false, check: "conserves" });
    expect(kit.judge(await kit.execute("import-statement", { customer: 11, lines: [] }))).toEqual({ pass: true });
  });
});

describe("what a captured execution server might send", () => {
  const transfer = { from: 1, to: 2, amount: 100 };
  const changed = (record: AcceptanceRecord, change: Partial<AcceptanceRecord>) => ({ ...record, ...change });

  test.each<[string, string, (record: AcceptanceRecord) => AcceptanceRecord]>([
    [
      "a wrong reply with the right state (A1)",
      "reply-matches",
      (record) => changed(record, { reply: { status: 200, body: { ...transfer, checking: 1 } } }),
    ],
    [
      "the right reply with a wrong state (A2)",
      "conserves",
      (record) =>
        changed(record, {
          writes: record.writes.map((write) => ({ ...write, after: { ...account(bank(), 1), checking: 5 } })),
        }),
    ],
    [
      "an object that is not the request's (A9, A14)",
      "access-template",
      (record) =>
        changed(record, {
          writes: [...record.writes, { object: "account/3", before: account(bank(), 3), after: account(bank(), 4) }],
        }),
    ],
    [
      "a read that is not the request's (A11)",
      "access-template",
      (record) => changed(record, { reads: [...record.reads, { object: "account/3", value: account(bank(), 3) }] }),
    ],
    [
      "a fetch that is not the request's, by the access log (R45)",
      "access-log",
      (record) => changed(record, { accesses: [{ object: "account/3", mode: "fetch", granted: true }] }),
    ],
    [
      "a fetch that was denied",
      "access-log",
      (record) => changed(record, { accesses: [{ object: "account/1", mode: "fetch", granted: false }] }),
    ],
    ["half of the change (A15)", "completeness", (record) => changed(record, { writes: record.writes.slice(0, 1) })],
    [
      "another holder's name in an account",
      "only-changes",
      (record) =>
        changed(record, {
          writes: record.writes.map((write) => ({
            ...write,
            after: { ...(write.after as Account), holder: "Someone New" },
          })),
        }),
    ],
    [
      "an object of another shape",
      "object-schema",
      (record) =>
        changed(record, {
          writes: record.writes.map((write) => ({ ...write, after: { ...(write.after as Account), extra: 1 } })),
        }),
    ],
    ["a reply of another shape", "reply-schema", (record) => changed(record, { reply: { status: 200, body: "done" } })],
    ["a status of its own", "reply-status", (record) => changed(record, { reply: { status: 500, body: {} } })],
  ])("%s fails %s", async (_, check, misbehave) => {
    const { record } = await bank().run("transfer", transfer);
    expect(bank().judge(misbehave(record))).toMatchObject({ pass: false, check });
  });

  test("another customer's name in a statement fails, encoded or not (A12, A13): as a leak, or as what is no word", async () => {
    const kit = bank();
    const { record } = await kit.run("statement", { customer: 8 });
    const { text } = record.reply.body as { text: string };
    const secret = account(kit, 9).holder;
    const forms = [
      secret,
      secret.toUpperCase().replace(" ", "_"),
      [...secret].reverse().join(""),
      Buffer.from(secret).toString("base64"),
      `x${Buffer.from(`..${secret}`).toString("base64url")}`,
      Buffer.from(secret).toString("hex"),
      [...secret].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join(""),
    ];
    for (const form of forms) {
      const leak = { ...record, reply: { status: 200, body: { customer: 8, text: `${text} ${form}` } } };
      const check = expect.stringMatching(/^(confidentiality|plain-text)$/) as string;
      expect(kit.judge(leak), form).toMatchObject({ pass: false, check });
    }
  });
});

test("no sequence of requests makes or loses money, but for deposits and checks", async () => {
  const customer = fc.integer({ min: 1, max: 6 });
  const amount = fc.oneof(fc.integer({ min: 1, max: 200_000 }), fc.constant(LIMIT));
  const side = fc.constantFrom("checking", "savings");
  const lines = fc.array(
    fc.record({
      date: fc.constant("2026-05-01"),
      text: fc.string({ maxLength: 20 }),
      amount: fc.integer({ min: -9999, max: 9999 }),
    }),
    { maxLength: 4 },
  );
  const request = fc.oneof(
    fc.record({ operation: fc.constant("deposit"), input: fc.record({ customer, account: side, amount }) }),
    fc.record({ operation: fc.constant("transfer"), input: fc.record({ from: customer, to: customer, amount }) }),
    fc.record({ operation: fc.constant("write-check"), input: fc.record({ customer, amount }) }),
    fc.record({ operation: fc.constant("amalgamate"), input: fc.record({ from: customer, to: customer }) }),
    fc.record({ operation: fc.constant("import-statement"), input: fc.record({ customer, lines }) }),
    fc.record({ operation: fc.constant("balance"), input: fc.record({ customer }) }),
  );
  const small = { ...contract, genesis: contract.genesis().slice(0, 5) };
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 12 }), async (requests) => {
      const kit = new TestKit({ contract: small, execution, acceptance });
      let expected = total(kit);
      for (const { operation, input } of requests) {
        const { status } = await accepted(kit, operation, input);
        const moved = "amount" in input && status === 200 ? BigInt(input.amount) : 0n;
        if (operation === "deposit") expected += moved;
        if (operation === "write-check") expected -= moved;
        expect(total(kit)).toBe(expected);
      }
    }),
    { numRuns: 150 },
  );
});

test("the contract's input schemas are those of the JSON the regulator gets", () => {
  const { contract: json } = bank();
  expect(json.operations.transfer?.input).toEqual(
    z.toJSONSchema(contract.operations.transfer.input, { io: "input", target: "draft-2020-12" }),
  );
});
