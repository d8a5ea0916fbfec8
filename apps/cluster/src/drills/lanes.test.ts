import type { Outcome } from "@redoubt/client";
import { describe, expect, test } from "vitest";
import { customersOf, LANES_MAX } from "./catalogue.ts";
import { conclude, judge, type Lane, type LaneOperation, nextOperation, readStatement } from "./lanes.ts";

const lane = (): Lane => ({
  first: { customer: 1, holder: "Ingrid Okafor", checking: 1_000, savings: 10 },
  second: { customer: 2, holder: "Hassan Moretti", checking: 500, savings: 20 },
  asked: 0,
  state: "idle",
});

const answer = (status: number, body: unknown): Outcome => ({
  kind: "answer",
  status,
  body,
  bodyText: JSON.stringify(body),
  headers: {},
  requestId: undefined,
  replayed: false,
  attempts: 1,
  idempotencyKey: "k",
  latencyMs: 1,
});

const problem = (type: string, status: number): Outcome => answer(status, { type, status });

const operations = ["transfer", "balance", "transfer", "statement"] as const;

/** What an honest bank answers. */
function honestly({ operation, input, after }: LaneOperation): Outcome {
  const seen = after.first.customer === (input.customer ?? input.from) ? after.first : after.second;
  const { customer, holder, checking, savings } = seen;
  if (operation === "transfer") return answer(200, { ...input, checking });
  if (operation === "balance") return answer(200, { customer, checking, savings });
  const text = `Statement of 2026-11-02 for ${holder}, customer ${customer}. Checking: ${checking} cents. Savings: ${savings} cents.`;
  return answer(200, { customer, text });
}

describe("a lane", () => {
  test("predicts every reply of an honest bank, and keeps the sum", () => {
    const tried = lane();
    for (let round = 0; round < 400; round++) {
      const operation = nextOperation(tried, operations);
      const judgement = judge(operation, honestly(operation));
      expect(judgement).toBe("right");
      conclude(operation, judgement);
      expect(tried.first.checking + tried.second.checking).toBe(1_500);
      expect(Math.min(tried.first.checking, tried.second.checking)).toBeGreaterThanOrEqual(0);
    }
    expect(tried).toMatchObject({ asked: 400, state: "idle" });
  });

  test("asks no more after an outcome it cannot be sure of", () => {
    const tried = lane();
    const operation = nextOperation(tried, operations);
    conclude(operation, "harmed");
    expect(tried).toMatchObject({ state: "ended", first: { checking: 1_000 } });
  });
});

describe("a reply is wrong when it differs by anything", () => {
  const [transfer, balance, , statement] = [0, 1, 2, 3].map((asked) =>
    nextOperation({ ...lane(), asked }, operations),
  ) as [LaneOperation, LaneOperation, LaneOperation, LaneOperation];

  test.each<[string, LaneOperation, unknown]>([
    ["a cent more", transfer, { ...transfer.input, checking: 1_000 }],
    ["another customer", transfer, { ...transfer.input, from: 3, checking: 999 }],
    ["a balance of before", balance, { customer: 2, checking: 501, savings: 20 }],
    ["a field too many", balance, { customer: 2, checking: 500, savings: 20, holder: "Hassan Moretti" }],
    ["nothing", balance, null],
    [
      "another holder's name behind the text",
      statement,
      {
        customer: 2,
        text: "Statement of 2026-11-02 for Hassan Moretti, customer 2. Checking: 500 cents. Savings: 20 cents. Ingrid Okafor",
      },
    ],
    [
      "another holder's name in front of the own",
      statement,
      {
        customer: 2,
        text: "Statement of 2026-11-02 for Ingrid Okafor Hassan Moretti, customer 2. Checking: 500 cents. Savings: 20 cents.",
      },
    ],
  ])("%s", (_what, operation, body) => {
    expect(judge(operation, honestly(operation))).toBe("right");
    expect(judge(operation, answer(200, body))).toBe("wrong");
  });

  test("a refusal for which there is no reason", () => {
    expect(judge(transfer, problem("urn:redoubt:bank:insufficient-funds", 422))).toBe("wrong");
  });
});

describe("a request is harmed, not wrong, when", () => {
  const operation = nextOperation(lane(), operations);
  test.each<[string, Outcome]>([
    ["it was rejected", problem("https://redoubt.dev/problems/rejected", 403)],
    ["its outcome stays unknown", problem("https://redoubt.dev/problems/outcome-unknown", 504)],
    ["nobody answers", { kind: "no-answer", reason: "refused", attempts: 9, idempotencyKey: "k", latencyMs: 1 }],
  ])("%s", (_why, outcome) => {
    expect(judge(operation, outcome)).toBe("harmed");
  });
});

test("a statement is read whole or not at all", () => {
  const text = "Statement of 2026-11-02 for Ada B, customer 9. Checking: 1 cents. Savings: 2 cents.";
  expect(readStatement({ customer: 9, text })).toEqual({ customer: 9, holder: "Ada B", checking: 1, savings: 2 });
  expect(readStatement({ customer: 8, text })).toBeUndefined();
  expect(readStatement({ customer: 9, text: `${text} ` })).toBeUndefined();
  expect(readStatement("text")).toBeUndefined();
});

test("no customer is in two lanes, or in a lane and a bystander", () => {
  const users = ["bystanders", ...Array.from({ length: LANES_MAX }, (_, lane) => lane)] as const;
  const customers = users.flatMap((user) => customersOf(user)).flatMap(({ first, second }) => [first, second]);
  expect(new Set(customers).size).toBe(customers.length);
  expect(Math.min(...customers)).toBeGreaterThan(0);
  expect(Math.max(...customers)).toBe(1_000);
});
