/**
 * What a drill's clients know about the bank. A lane is a pair of customers that only this drill uses, one request at a
 * time, so every balance, and with it every reply, is known beforehand to the cent. Money only moves inside a pair: a
 * drill leaves the bank's sum as it was.
 */
import { isDeepStrictEqual } from "node:util";
import type { Outcome } from "@redoubt/client";
import type { LaneOperationName } from "./catalogue.ts";

export interface Customer {
  readonly customer: number;
  readonly holder: string;
  readonly checking: number;
  readonly savings: number;
}

export interface Lane {
  first: Customer;
  second: Customer;
  /** Requests asked so far. */
  asked: number;
  /** A lane with an unknown outcome, or a wrong one of a transfer, asks no more: its model may be wrong from then on. */
  state: "idle" | "waiting" | "ended";
}

export interface LaneOperation {
  readonly lane: Lane;
  readonly operation: LaneOperationName;
  readonly input: Readonly<Record<string, number>>;
  /** Both customers once it has been done. */
  readonly after: { readonly first: Customer; readonly second: Customer };
}

/** `right`: the reply the model predicts. `wrong`: another reply left the cluster. `harmed`: no reply in the end. */
export type Judgement = "right" | "wrong" | "harmed";

/** Amounts differ from request to request, so that one reply cannot pass for another. */
const AMOUNTS = 97;

/** The next request of an idle lane. */
export function nextOperation(lane: Lane, operations: readonly LaneOperationName[]): LaneOperation {
  const operation = operations[lane.asked % operations.length] ?? "balance";
  const { first, second } = lane;
  // Even rounds move money one way, odd ones the other; reads look at the side that changed last.
  const isForward = Math.floor(lane.asked / operations.length) % 2 === 0;
  const [source, target] = isForward ? [first, second] : [second, first];
  if (operation !== "transfer") {
    return { lane, operation, input: { customer: target.customer }, after: { first, second } };
  }
  const amount = Math.min(1 + (lane.asked % AMOUNTS), source.checking);
  const given = { ...source, checking: source.checking - amount };
  const taken = { ...target, checking: target.checking + amount };
  const after = isForward ? { first: given, second: taken } : { first: taken, second: given };
  return { lane, operation, input: { from: source.customer, to: target.customer, amount }, after };
}

export function judge(operation: LaneOperation, outcome: Outcome): Judgement {
  if (outcome.kind === "no-answer" || isClusterProblem(outcome.body)) return "harmed";
  if (outcome.status !== 200) return "wrong";
  return isExpected(operation, outcome.body) ? "right" : "wrong";
}

/** Takes the outcome into the lane. */
export function conclude(operation: LaneOperation, judgement: Judgement): void {
  const { lane, after } = operation;
  lane.asked++;
  // A read changes nothing: whatever was answered, the model holds.
  const isSound = judgement === "right" || (judgement === "wrong" && operation.operation !== "transfer");
  lane.state = isSound ? "idle" : "ended";
  if (judgement === "right") Object.assign(lane, after);
}

const PROBLEM_TYPE_BASE = "https://redoubt.dev/problems/";

/** Rejected, not ready, overloaded…: an answer of the cluster, not of the bank. */
function isClusterProblem(body: unknown): boolean {
  const type = (body as { type?: unknown } | null)?.type;
  return typeof type === "string" && type.startsWith(PROBLEM_TYPE_BASE);
}

function isExpected({ operation, input, after }: LaneOperation, body: unknown): boolean {
  const seen = [after.first, after.second].find(({ customer }) => customer === (input.customer ?? input.from));
  if (seen === undefined) throw new Error("an operation names no customer of its lane");
  const { customer, checking, savings } = seen;
  if (operation === "balance") return isDeepStrictEqual(body, { customer, checking, savings });
  if (operation === "transfer") return isDeepStrictEqual(body, { ...input, checking });
  return isDeepStrictEqual(readStatement(body), seen);
}

const STATEMENT =
  /^Statement of \d{4}-\d{2}-\d{2} for (.+), customer (\d+)\. Checking: (\d+) cents\. Savings: (\d+) cents\.$/;

/** What a statement says, when it says nothing else: a name too many makes it unreadable. */
export function readStatement(body: unknown): Customer | undefined {
  const { customer, text, ...more } = (body ?? {}) as { customer?: unknown; text?: unknown };
  const match = typeof text === "string" ? STATEMENT.exec(text) : null;
  if (match === null || Object.keys(more).length > 0 || Number(match[2]) !== customer) return undefined;
  return {
    customer: Number(match[2]),
    holder: match[1] ?? "",
    checking: Number(match[3]),
    savings: Number(match[4]),
  };
}
