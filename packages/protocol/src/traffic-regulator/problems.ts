/**
 * Every error a client can see, as problem documents (RFC 9457) with a stable `type` (DESIGN §8). A 403 never says which
 * rule, signature or block it was: that would teach an attacker.
 */
import type { RequestId } from "@redoubt/shared";
import type { FieldProblem, RespondEffect } from "./types.ts";

const PROBLEMS = {
  "malformed-request": { status: 400, title: "The request is malformed" },
  unauthenticated: { status: 401, title: "A valid client key is needed" },
  forbidden: { status: 403, title: "This client may not call this operation" },
  rejected: { status: 403, title: "The request was rejected" },
  "unknown-operation": { status: 404, title: "There is no such operation" },
  "not-found": { status: 404, title: "There is no such page" },
  "method-not-allowed": { status: 405, title: "This method is not for this page" },
  "unknown-request": { status: 404, title: "There is no such request" },
  "key-expired": { status: 410, title: "The idempotency key is older than the window" },
  "too-large": { status: 413, title: "The request is too large" },
  "unsupported-media-type": { status: 415, title: "The body must be JSON" },
  "key-reused": { status: 422, title: "The idempotency key was used with another request" },
  "quota-used-up": { status: 429, title: "This client has made too many requests within the window" },
  "too-many-requests": { status: 429, title: "Too many requests of this client are undecided" },
  "unreadable-reply": { status: 500, title: "The application's reply cannot be shown" },
  "not-ready": { status: 503, title: "The cluster is not ready" },
  "below-quorum": { status: 503, title: "Too few servers are there to decide requests" },
  overloaded: { status: 503, title: "Too many requests are undecided" },
  withheld: { status: 503, title: "The request was not carried out" },
  "outcome-unknown": { status: 504, title: "The outcome is not known yet" },
} as const;

export type ProblemName = keyof typeof PROBLEMS;

export interface ProblemOptions {
  /** Sentence for the client. */
  readonly detail?: string;
  readonly errors?: readonly FieldProblem[];
  readonly requestId?: RequestId;
  readonly retryAfterSeconds?: number;
}

export const PROBLEM_TYPE_BASE = "https://redoubt.dev/problems/";

export const statusOf = (name: ProblemName): number => PROBLEMS[name].status;

/** Status, headers and body of a problem. */
export function problemResponse(
  name: ProblemName,
  options: ProblemOptions = {},
): Pick<RespondEffect, "status" | "headers" | "bodyText"> {
  const { status, title } = PROBLEMS[name];
  const { detail, errors, requestId, retryAfterSeconds } = options;
  const body = {
    type: PROBLEM_TYPE_BASE + name,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined || errors.length === 0 ? {} : { errors }),
    ...(requestId === undefined ? {} : { requestId }),
  };
  return {
    status,
    headers: {
      "content-type": "application/problem+json",
      ...(requestId === undefined ? {} : { "redoubt-request-id": requestId }),
      ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
      ...(name === "unauthenticated" ? { "www-authenticate": "Bearer" } : {}),
    },
    bodyText: JSON.stringify(body),
  };
}

/** `/amount: expected integer, got text; /to: expected present`. */
export const describeProblems = (problems: readonly FieldProblem[]): string =>
  problems
    .slice(0, 8)
    .map(({ field, expected, got }) => `${field || "(body)"}: expected ${expected}${got ? `, got ${got}` : ""}`)
    .join("; ");
