import { expect, test } from "vitest";
import { type History, judge, type Operation } from "./history.mjs";

const START = { checking: 1000, savings: 500 };

let now = 0;
/** One after the other unless `at` says otherwise. */
function operation(name: string, input: unknown, body: unknown, at?: readonly [number, number]): Operation {
  const [invokedAtMs, completedAtMs] = at ?? [++now, ++now];
  return {
    requestId: `r${invokedAtMs}-${completedAtMs}-${name}`,
    operation: name,
    input,
    invokedAtMs,
    completedAtMs,
    status: 200,
    body,
  };
}

const deposit = (customer: number, amount: number, balance: number, at?: readonly [number, number]): Operation =>
  operation(
    "deposit",
    { customer, account: "checking", amount },
    { customer, account: "checking", amount, balance },
    at,
  );

const read = (customer: number, checking: number, at?: readonly [number, number]): Operation =>
  operation("balance", { customer }, { customer, checking, savings: START.savings }, at);

function history(
  operations: readonly Operation[],
  versions: Readonly<Record<number, readonly Operation[]>>,
  final: Readonly<Record<number, number>>,
): History {
  const customers = Object.keys(final).map(Number);
  return {
    operations,
    versions: new Map(
      customers.map((customer) => [customer, (versions[customer] ?? []).map(({ requestId }) => requestId)]),
    ),
    initial: new Map(customers.map((customer) => [customer, START])),
    final: new Map(customers.map((customer) => [customer, { ...START, checking: final[customer] as number }])),
  };
}

test("a history in order passes: deposits, a transfer, a check beyond checking, reads", () => {
  const first = deposit(1, 10, 1010);
  const moved = operation("transfer", { from: 1, to: 2, amount: 1000 }, { from: 1, to: 2, amount: 1000, checking: 10 });
  const seen = read(2, 2000);
  const cashed = operation(
    "write-check",
    { customer: 1, amount: 60 },
    { customer: 1, amount: 60, checking: 0, savings: 450 },
  );
  const whole = history([first, moved, seen, cashed], { 1: [first, moved, cashed], 2: [moved] }, { 1: 0, 2: 2000 });
  const final = new Map([...whole.final, [1, { checking: 0, savings: 450 }] as const]);
  expect(judge({ ...whole, final })).toEqual({ lost: 0, doubled: 0, serializable: true, problems: [] });
});

test("an acknowledged deposit that is in no version is lost", () => {
  const gone = deposit(1, 10, 1010);
  expect(judge(history([gone], {}, { 1: 1000 }))).toMatchObject({ lost: 1, doubled: 0, serializable: false });
});

test("half a transfer is lost", () => {
  const half = operation("transfer", { from: 1, to: 2, amount: 5 }, { from: 1, to: 2, amount: 5, checking: 995 });
  expect(judge(history([half], { 1: [half] }, { 1: 995, 2: 1000 }))).toMatchObject({ lost: 1, doubled: 0 });
});

test("an effect that is there twice is doubled", () => {
  const twice = deposit(1, 10, 1010);
  expect(judge(history([twice], { 1: [twice, twice] }, { 1: 1020 }))).toMatchObject({ lost: 0, doubled: 1 });
});

test("an effect of a request that was refused, or that nobody made, is counted", () => {
  const refused = { ...deposit(1, 10, 1010), status: 422, body: {} };
  const nobodys = deposit(1, 1, 1001);
  expect(judge(history([refused], { 1: [refused, nobodys] }, { 1: 1010 })).doubled).toBe(2);
});

test("a reply that does not follow from the version before it is found", () => {
  const wrong = deposit(1, 10, 1011);
  expect(judge(history([wrong], { 1: [wrong] }, { 1: 1010 })).serializable).toBe(false);
});

test("a final balance that does not follow from the versions is found", () => {
  const good = deposit(1, 10, 1010);
  expect(judge(history([good], { 1: [good] }, { 1: 1011 })).serializable).toBe(false);
});

test("a version order against real time is found", () => {
  const first = deposit(1, 10, 1030, [1, 2]);
  const second = deposit(1, 20, 1020, [3, 4]);
  expect(judge(history([first, second], { 1: [second, first] }, { 1: 1030 })).problems).toHaveLength(1);
  const beside = { ...second, invokedAtMs: 1.5 };
  expect(judge(history([first, beside], { 1: [beside, first] }, { 1: 1030 })).serializable).toBe(true);
});

test("a stale read is found: it began after the write was acknowledged and shows the balance before", () => {
  const write = deposit(1, 10, 1010, [1, 2]);
  const stale = read(1, 1000, [3, 4]);
  expect(judge(history([write, stale], { 1: [write] }, { 1: 1010 })).serializable).toBe(false);
  const beside = read(1, 1000, [1.5, 4]);
  expect(judge(history([write, beside], { 1: [write] }, { 1: 1010 })).serializable).toBe(true);
});

test("a read of what never was is found", () => {
  expect(judge(history([read(1, 77)], {}, { 1: 1000 })).problems[0]).toContain("never was");
});

test("a transfer that is seen at one end, and afterwards not at the other, is found", () => {
  const moved = operation(
    "transfer",
    { from: 1, to: 2, amount: 5 },
    { from: 1, to: 2, amount: 5, checking: 995 },
    [1, 90],
  );
  const there = read(2, 1005, [10, 20]);
  const notGone = read(1, 1000, [30, 40]);
  const all = history([moved, there, notGone], { 1: [moved], 2: [moved] }, { 1: 995, 2: 1005 });
  expect(judge(all).serializable).toBe(false);
  const beside = { ...notGone, invokedAtMs: 15 };
  expect(judge({ ...all, operations: [moved, there, beside] }).serializable).toBe(true);
});

test("a read of balances that came back later decides nothing", () => {
  const up = deposit(1, 10, 1010, [1, 2]);
  const down = operation(
    "write-check",
    { customer: 1, amount: 10 },
    { customer: 1, amount: 10, checking: 1000, savings: 500 },
    [3, 4],
  );
  expect(judge(history([up, down, read(1, 1000, [5, 6])], { 1: [up, down] }, { 1: 1000 })).serializable).toBe(true);
});
