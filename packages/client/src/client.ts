/**
 * A client of the protected service. Every call carries an idempotency key, so it may be repeated until it is answered:
 * after a lost connection, 429, 503 and 504 the same key is sent again, and the service answers it once only.
 *
 * It does not judge answers: a refusal, a quarantined request and a reply are all answers. 202 is one, too: the request is
 * held for a person and {@link Answer.held} says until when; the same key, or {@link Client.lookUp}, tells later what became of it.
 */
import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isRequestId, LIMITS } from "@redoubt/shared";
import { exchange, type HttpAnswer, openEndpoint } from "./http.ts";
import { isRetried, pauseBefore } from "./retry.ts";

export interface ClientOptions {
  /** `http://<address>:<port>` of the client API; nothing is ever sent anywhere else. */
  readonly url: string;
  readonly key: string;
  /** Source address, e.g. 127.9.0.7; absent = the system chooses. */
  readonly localAddress?: string;
  readonly connectionsMax?: number;
  /** One attempt is given up after this (milliseconds), and repeated. */
  readonly attemptLimitMs?: number;
}

export interface CallOptions {
  /** Total time for all attempts, milliseconds. */
  readonly deadlineMs: number;
  /** Visible ASCII, at most 256 bytes; absent = a fresh one. */
  readonly idempotencyKey?: string;
}

/** The service answered; after 429, 503 or 504 it is the last answer before the deadline. */
export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  /** Parsed JSON; the text itself when it is not JSON. */
  readonly body: unknown;
  readonly bodyText: string;
  readonly headers: IncomingHttpHeaders;
  readonly requestId: string | undefined;
  /** After 202: the request is quarantined, and runs only if a person releases it in time. */
  readonly held?: Held;
  /** The key had been answered before. */
  readonly replayed: boolean;
  readonly attempts: number;
  /** The key all attempts carried; empty for a question about a request. */
  readonly idempotencyKey: string;
  /** From the first attempt to the answer, milliseconds. */
  readonly latencyMs: number;
}

export interface Held {
  /** Path to ask at; {@link Client.lookUp} does. */
  readonly location: string;
  /** Milliseconds since 1970: then it is rejected. Undefined when the answer does not say. */
  readonly until: number | undefined;
}

/** What became of a request, as its owner is told. */
export type RequestStatus =
  | { readonly state: "pending" | "rejected"; readonly requestId: string; readonly operation: string }
  | { readonly state: "held"; readonly requestId: string; readonly operation: string; readonly heldUntil: number }
  | {
      readonly state: "verified";
      readonly requestId: string;
      readonly operation: string;
      /** Status and body of the reply. */
      readonly status: number;
      readonly body: unknown;
    };

/** No attempt was answered before the deadline: whether it took effect is unknown, and the same key may be sent again. */
export interface NoAnswer {
  readonly kind: "no-answer";
  /** What the last attempt failed with. */
  readonly reason: string;
  readonly attempts: number;
  readonly idempotencyKey: string;
  readonly latencyMs: number;
}

export type Outcome = Answer | NoAnswer;

export interface Client {
  call(operation: string, input: unknown, options: CallOptions): Promise<Outcome>;
  /** Sends `bodyText` as it stands, JSON or not. */
  callText(operation: string, bodyText: string, options: CallOptions): Promise<Outcome>;
  /**
   * `GET /v1/requests/{id}`: the answer's body is a {@link RequestStatus} after 200. 404 for requests of others and unknown
   * ones alike, 403 once the client itself is blocked and the request is not held any more.
   */
  lookUp(requestId: string, options: Pick<CallOptions, "deadlineMs">): Promise<Outcome>;
  /** Closes the kept-alive connections. */
  close(): void;
}

const CONNECTIONS_MAX = 64;
const ATTEMPT_LIMIT_MS = 10_000;
const OPERATION = /^[A-Za-z0-9._~-]{1,100}$/;

/** Throws RangeError naming the option at fault. */
export function createClient(options: ClientOptions): Client {
  const endpoint = openEndpoint({ connectionsMax: CONNECTIONS_MAX, ...options });
  const attemptLimitMs = options.attemptLimitMs ?? ATTEMPT_LIMIT_MS;
  if (options.key === "") throw new RangeError("key is empty, expected the key of a client");

  async function callText(operation: string, bodyText: string, call: CallOptions): Promise<Outcome> {
    if (!OPERATION.test(operation))
      throw new RangeError(`operation is ${JSON.stringify(operation)}, expected its name`);
    const idempotencyKey = checkKey(call.idempotencyKey ?? randomUUID());
    return repeat(`/v1/operations/${operation}`, bodyText, idempotencyKey, call.deadlineMs);
  }

  async function repeat(
    path: string,
    bodyText: string | undefined,
    idempotencyKey: string,
    deadlineMs: number,
  ): Promise<Outcome> {
    const headers: Record<string, string> = bodyText === undefined ? {} : { "idempotency-key": idempotencyKey };
    const startedAt = performance.now();
    const elapsed = (): number => performance.now() - startedAt;
    for (let attempts = 1; ; attempts++) {
      const limitMs = Math.min(attemptLimitMs, deadlineMs - elapsed());
      const tried = await tryOnce(() => exchange(endpoint, path, bodyText, headers, limitMs));
      const done = { attempts, idempotencyKey, latencyMs: elapsed() };
      if (tried.ok && !isRetried(tried.answer.status)) return { ...readAnswer(tried.answer), ...done };
      const pauseMs = pauseBefore({
        attempts,
        leftMs: deadlineMs - elapsed(),
        chance: Math.random(),
        retryAfter: tried.ok ? tried.answer.headers["retry-after"] : undefined,
        wallMs: Date.now(),
      });
      if (pauseMs === undefined) {
        return tried.ok
          ? { ...readAnswer(tried.answer), ...done }
          : { kind: "no-answer", reason: tried.reason, ...done };
      }
      await new Promise((resume) => setTimeout(resume, pauseMs));
    }
  }

  return {
    callText,
    call: (operation, input, call) => callText(operation, JSON.stringify(input), call),
    lookUp(requestId, { deadlineMs }) {
      if (!isRequestId(requestId))
        throw new RangeError(`requestId is ${JSON.stringify(requestId)}, expected 64 hexadecimal digits`);
      return repeat(`/v1/requests/${requestId}`, undefined, "", deadlineMs);
    },
    close: () => endpoint.agent.destroy(),
  };
}

function checkKey(key: string): string {
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > LIMITS.idempotencyKeyBytesMax) {
    throw new RangeError(
      `idempotencyKey is ${JSON.stringify(key.slice(0, 80))}, expected 1 … ${LIMITS.idempotencyKeyBytesMax} visible ASCII characters`,
    );
  }
  return key;
}

type Tried = { readonly ok: true; readonly answer: HttpAnswer } | { readonly ok: false; readonly reason: string };

/** Whatever goes wrong on the way to the service is a reason to try again, never a fault of the caller. */
async function tryOnce(attempt: () => Promise<HttpAnswer>): Promise<Tried> {
  try {
    return { ok: true, answer: await attempt() };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function readAnswer({
  status,
  headers,
  bodyText,
}: HttpAnswer): Omit<Answer, "attempts" | "idempotencyKey" | "latencyMs"> {
  const requestId = headers["redoubt-request-id"];
  const body = parse(bodyText);
  return {
    kind: "answer",
    status,
    headers,
    bodyText,
    body,
    ...(status === 202 ? { held: readHeld(headers, body) } : {}),
    requestId: typeof requestId === "string" ? requestId : undefined,
    replayed: headers["idempotent-replayed"] === "true",
  };
}

function readHeld({ location = "" }: IncomingHttpHeaders, body: unknown): Held {
  const { heldUntil } = (body ?? {}) as { readonly heldUntil?: unknown };
  return { location, until: typeof heldUntil === "number" ? heldUntil : undefined };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
