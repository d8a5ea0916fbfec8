/**
 * A client of the protected service. Every call carries an idempotency key, so it may be repeated until it is answered:
 * after a lost connection, 429, 503 and 504 the same key is sent again, and the service answers it once only.
 *
 * It does not judge answers: a refusal, a quarantined request and a reply are all answers.
 */
import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { LIMITS } from "@redoubt/shared";
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
  /** The key had been answered before. */
  readonly replayed: boolean;
  readonly attempts: number;
  /** The key all attempts carried. */
  readonly idempotencyKey: string;
  /** From the first attempt to the answer, milliseconds. */
  readonly latencyMs: number;
}

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
    const path = `/v1/operations/${operation}`;
    const startedAt = performance.now();
    const elapsed = (): number => performance.now() - startedAt;
    for (let attempts = 1; ; attempts++) {
      const limitMs = Math.min(attemptLimitMs, call.deadlineMs - elapsed());
      const tried = await tryOnce(() =>
        exchange(endpoint, path, bodyText, { "idempotency-key": idempotencyKey }, limitMs),
      );
      const done = { attempts, idempotencyKey, latencyMs: elapsed() };
      if (tried.ok && !isRetried(tried.answer.status)) return { ...readAnswer(tried.answer), ...done };
      const pauseMs = pauseBefore({
        attempts,
        leftMs: call.deadlineMs - elapsed(),
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
  return {
    kind: "answer",
    status,
    headers,
    bodyText,
    body: parse(bodyText),
    requestId: typeof requestId === "string" ? requestId : undefined,
    replayed: headers["idempotent-replayed"] === "true",
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
