/**
 * A little bank for the simulator, written as data and pure functions so that a seed decides everything. Every write
 * leaves the request's own stamp in the account and every reply tells the stamps it saw, so that a checker can work out
 * from outside which version each reply was based on.
 *
 * Two operations carry attacks: "plunder" makes any execution server produce a wrong state (a malformed request), and
 * "crash" kills the worker that runs it. Accounts after the first may be opened, once each, by scripts of a world. A "bet" is a
 * deposit whose acceptance test is wrong about every other balance: what fails at first may pass later.
 */
import { type ApplicationPort, GENESIS_OPERATION, type Hasher, objectClusterOf } from "@redoubt/protocol";
import { fail, ok } from "@redoubt/shared";

export const ACCOUNTS = 12;
export const OPENING_BALANCE = 1_000;
/** Accounts that are not there at first and may be opened, numbered after the others. */
export const OPENABLE = 4;

export interface Account {
  readonly balance: number;
  readonly stamp: string;
}

export interface BankInput {
  readonly account?: number;
  readonly from?: number;
  readonly to?: number;
  readonly accounts?: readonly number[];
  readonly amount?: number;
  /** Unique per client operation, the same on every retry. */
  readonly stamp: string;
}

/** Body of every reply: what was seen of each account before the operation. */
export interface BankReply {
  readonly seen: Readonly<Record<string, Account>>;
  /** Later versions of the bank name themselves in every reply, and accept no other's. */
  readonly version?: string;
}

export const FIRST_VERSION = "bank";
export const SECOND_VERSION = "bank-2";

export type BankOperation = "transfer" | "deposit" | "read" | "open" | "plunder" | "crash" | "bet";

/** Operations that are held when they are quarantined, in worlds where anything is. */
export const isHeld = (operation: string): boolean => operation === "plunder" || operation === "bet";

/** Operations that add their amount to one account. */
export const isDeposit = (operation: string): boolean => operation === "deposit" || operation === "bet";

export const accountName = (account: number): string => `account/${account}`;

export const genesisAccount = (account: number): Account => ({ balance: OPENING_BALANCE, stamp: `genesis-${account}` });

/** What an account that nobody has opened looks like. */
const UNOPENED: Account = { balance: 0, stamp: "none" };

/** Stamp of what is there before any request, for every account there may ever be. */
export const firstStamps = (): Map<string, string> =>
  new Map(
    Array.from({ length: ACCOUNTS + OPENABLE }, (_, account) => [
      accountName(account),
      (account < ACCOUNTS ? genesisAccount(account) : UNOPENED).stamp,
    ]),
  );

export const isReadOnly = (operation: string): boolean => operation === "read";

/** Objects an operation may touch, in a fixed order. */
export function accessOf(operation: string, input: BankInput): { object: string; mode: "read" | "write" | "create" }[] {
  const write = (account: number | undefined) => ({ object: accountName(account ?? 0), mode: "write" as const });
  if (operation === "transfer") return [write(input.from), write(input.to)];
  if (operation === "open") return [{ ...write(input.account), mode: "create" }];
  if (operation === "read")
    return (input.accounts ?? []).map((account) => ({ ...write(account), mode: "read" as const }));
  return [write(input.account)];
}

export interface ExecutionResult {
  readonly reply: { readonly status: number; readonly body: BankReply };
  readonly writes: readonly { readonly object: string; readonly value: Account }[];
}

/** What an honest worker computes. */
export function execute(
  operation: string,
  input: BankInput,
  provided: ReadonlyMap<string, Account | null>,
  version: string = FIRST_VERSION,
): ExecutionResult {
  const at = (account: number | undefined): Account => provided.get(accountName(account ?? 0)) ?? UNOPENED;
  const seen: Record<string, Account> = {};
  for (const { object } of accessOf(operation, input)) seen[object] = provided.get(object) ?? UNOPENED;
  const body = version === FIRST_VERSION ? { seen } : { seen, version };
  const reply = { status: 200, body };
  const write = (account: number | undefined, change: number) => ({
    object: accountName(account ?? 0),
    value: { balance: at(account).balance + change, stamp: input.stamp },
  });
  const amount = input.amount ?? 0;
  switch (operation) {
    case "transfer":
      if (at(input.from).balance < amount) return { reply: { status: 422, body }, writes: [] };
      return { reply, writes: [write(input.from, -amount), write(input.to, amount)] };
    case "open":
      if (provided.get(accountName(input.account ?? 0))) return { reply: { status: 422, body }, writes: [] };
      return { reply, writes: [write(input.account, 0)] };
    case "deposit":
    case "bet":
      return { reply, writes: [write(input.account, amount)] };
    case "plunder":
      return { reply, writes: [write(input.account, 1_000_000)] };
    default:
      return { reply, writes: [] };
  }
}

export interface AcceptanceRecord {
  readonly version: string;
  readonly operation: string;
  readonly input: BankInput;
  readonly reads: ReadonlyMap<string, Account | null>;
  readonly writes: readonly { readonly object: string; readonly before: Account | null; readonly after: Account }[];
  readonly reply: { readonly status: number; readonly body: BankReply };
}

/** The acceptance test: recomputes what the operation must have done. Undefined when it passes, else the failed check. */
export function acceptanceFailure(record: AcceptanceRecord): string | undefined {
  // No result of an attack is right, not even one that an intruder has made harmless on its way.
  if (record.operation === "plunder") return "conserves";
  if (record.operation === "bet") {
    const before = record.reads.get(accountName(record.input.account ?? 0))?.balance ?? 0;
    if (before % 2 !== 0) return "even";
  }
  const expected = execute(record.operation, record.input, record.reads, record.version);
  if (record.reply.status !== expected.reply.status) return "reply-status";
  if (stable(record.reply.body) !== stable(expected.reply.body)) return "reply-body";
  const after = record.writes.map(({ object, after: value }) => ({ object, value }));
  if (stable(sorted(after)) !== stable(sorted(expected.writes))) return "state-change";
  return undefined;
}

const sorted = <Item extends { object: string }>(items: readonly Item[]): Item[] =>
  [...items].sort((left, right) => (left.object < right.object ? -1 : 1));

const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );

/** Canonical text of a value, as the client's edge and the worker's shell make it. */
export const canonical = stable;

/** The bank as the cores see it. Accounts of even and odd numbers correlate to clusters of their own, as hashing decides. */
export function bankPort(hasher: Hasher, version: string = FIRST_VERSION): ApplicationPort {
  const genesis = new Map(
    Array.from({ length: ACCOUNTS }, (_, account) => [accountName(account), canonical(genesisAccount(account))]),
  );
  const known = firstStamps();
  return {
    version,
    evaluateAccess(operation, inputText) {
      const input = JSON.parse(inputText) as BankInput & { objects?: readonly string[] };
      if (operation === GENESIS_OPERATION) {
        const objects = input.objects ?? [];
        const unknown = objects.find((object) => !genesis.has(object));
        return unknown === undefined
          ? ok(objects.map((object) => ({ object, mode: "create" as const })))
          : fail(`objects: ${unknown} is not in the genesis`);
      }
      return ok(accessOf(operation, input));
    },
    clusterOf: (object) => (known.has(object) ? objectClusterOf(hasher, object) : undefined),
    isReadOnly,
    homeOf: () => undefined,
    deadlineMsOf: () => 500,
    genesisValue: (object) => genesis.get(object),
  };
}
