import { expect, test } from "vitest";
import { accountName, type BankInput, genesisAccount } from "../bank.ts";
import type { ClientOperation } from "../observation.ts";
import { healthyHistory, invariantsOf } from "./history.test-support.ts";
import { checkHistory, checkSerializability } from "./serializability.ts";

let nextId = 0;
/** `seen`: account → stamp that the reply showed. */
function operation(
  kind: "read" | "deposit" | "transfer",
  input: Omit<BankInput, "stamp"> & { readonly stamp?: string },
  [invokedAt, completedAt]: readonly [number, number],
  seen: Readonly<Record<number, string>>,
): ClientOperation {
  const id = ++nextId;
  const shown = Object.entries(seen).map(([account, stamp]) => [accountName(Number(account)), { balance: 0, stamp }]);
  return {
    id,
    client: `honest-${id}`,
    operation: kind,
    input: { stamp: `s${id}`, ...input },
    key: `k${id}`,
    invokedAt,
    completedAt,
    status: 200,
    replyText: JSON.stringify({ seen: Object.fromEntries(shown) }),
    requestId: undefined,
    sent: 1,
  };
}

/** Version order per account; the genesis version comes first. */
const order = (versions: Readonly<Record<number, readonly string[]>>): Map<string, string[]> =>
  new Map(
    Object.entries(versions).map(([account, stamps]) => [
      accountName(Number(account)),
      [genesisAccount(Number(account)).stamp, ...stamps],
    ]),
  );

const genesis = (account: number): string => genesisAccount(account).stamp;

test("a healthy history passes", () => {
  expect(checkSerializability(healthyHistory())).toEqual([]);
});

test("operations one after the other, and reads beside a write that see either side of it, pass", () => {
  const write = operation("deposit", { account: 1, stamp: "w" }, [10, 20], { 1: genesis(1) });
  const before = operation("read", { accounts: [1] }, [5, 15], { 1: genesis(1) });
  const after = operation("read", { accounts: [1] }, [12, 30], { 1: "w" });
  expect(checkHistory([write, before, after], order({ 1: ["w"] }))).toEqual([]);
});

test("a lost update is found (I6): two writes based on the same version", () => {
  const first = operation("deposit", { account: 1, stamp: "w1" }, [10, 20], { 1: genesis(1) });
  const second = operation("deposit", { account: 1, stamp: "w2" }, [10, 20], { 1: genesis(1) });
  expect(invariantsOf(checkHistory([first, second], order({ 1: ["w1", "w2"] })))).toEqual(["I6"]);
});

test("a stale read is found (I6): it began after the write was acknowledged and shows the version before", () => {
  const write = operation("deposit", { account: 1, stamp: "w" }, [10, 20], { 1: genesis(1) });
  const read = operation("read", { accounts: [1] }, [25, 30], { 1: genesis(1) });
  expect(invariantsOf(checkHistory([write, read], order({ 1: ["w"] })))).toEqual(["I6"]);
});

test("two reads that see two writes in different orders are found (I6)", () => {
  const one = operation("deposit", { account: 1, stamp: "w1" }, [10, 90], { 1: genesis(1) });
  const two = operation("deposit", { account: 2, stamp: "w2" }, [10, 90], { 2: genesis(2) });
  const left = operation("read", { accounts: [1, 2] }, [20, 80], { 1: "w1", 2: genesis(2) });
  const right = operation("read", { accounts: [1, 2] }, [20, 80], { 1: genesis(1), 2: "w2" });
  const versions = order({ 1: ["w1"], 2: ["w2"] });
  expect(invariantsOf(checkHistory([one, two, left, right], versions))).toEqual(["I6"]);
  expect(checkHistory([one, two, left], versions)).toEqual([]);
});

test("a cycle through three operations on three accounts is found (I6)", () => {
  const seesOld = (to: number, from: number, stamp: string) =>
    operation("transfer", { from, to, stamp }, [10, 20], { [from]: genesis(from), [to]: genesis(to) });
  // Each overwrites what another one has read, in a ring: 1 before 2 before 3 before 1.
  const first = seesOld(2, 1, "a");
  const second = seesOld(3, 2, "b");
  const third = seesOld(1, 3, "c");
  const versions = order({ 1: ["a", "c"], 2: ["b", "a"], 3: ["c", "b"] });
  expect(invariantsOf(checkHistory([first, second, third], versions))).toEqual(["I6"]);
});

test("a reply based on a version that never became verified is found (I6)", () => {
  const read = operation("read", { accounts: [1] }, [10, 20], { 1: "void" });
  expect(invariantsOf(checkHistory([read], order({ 1: [] })))).toEqual(["I6"]);
});

test("an acknowledged write that is in no version order is found (I3)", () => {
  const write = operation("deposit", { account: 1, stamp: "w" }, [10, 20], { 1: genesis(1) });
  expect(invariantsOf(checkHistory([write], order({ 1: [] })))).toEqual(["I3"]);
});
