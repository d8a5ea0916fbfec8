/**
 * Plain HTTP as any client would speak it, with a source address of choice. On purpose not the project's own client: what
 * is checked here must not share its mistakes.
 */
import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { pause } from "./place.mjs";

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/**
 * @typedef {object} Reply
 * @property {number} status
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {string} text
 * @property {any} json undefined when the text is no JSON
 */

/**
 * @typedef {object} Caller
 * @property {string} url
 * @property {string} key
 * @property {string} [localAddress]
 */

/**
 * One exchange, never repeated.
 * @param {Caller} caller
 * @param {string} path
 * @param {{ method?: string, body?: string, headers?: Record<string, string>, limitMs?: number }} [options]
 * @returns {Promise<Reply>}
 */
export function send(
  { url, key, localAddress },
  path,
  { method = "POST", body = "", headers = {}, limitMs = 15_000 } = {},
) {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}${path}`,
      {
        method,
        agent,
        signal: AbortSignal.timeout(limitMs),
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === "" ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
          ...headers,
        },
        ...(localAddress === undefined ? {} : { localAddress }),
      },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.once("error", reject);
        response.once("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * One operation, with or without a key.
 * @param {Caller} caller
 * @param {string} operation
 * @param {unknown} input
 * @param {string} [idempotencyKey]
 */
export const call = (caller, operation, input, idempotencyKey) =>
  send(caller, `/v1/operations/${operation}`, {
    body: JSON.stringify(input),
    headers: idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey },
  });

const REPEATED = new Set([429, 503, 504]);

/**
 * Repeats one operation with the same key until there is an answer that is not "later".
 * @param {Caller} caller
 * @param {string} operation
 * @param {unknown} input
 * @param {{ idempotencyKey?: string, deadlineMs?: number, signal?: AbortSignal }} [options]
 * @returns {Promise<Reply & { attempts: number }>} rejects when the deadline passes or the signal comes first
 */
export async function callUntilAnswered(caller, operation, input, options = {}) {
  const { idempotencyKey = randomUUID(), deadlineMs = 30_000, signal } = options;
  const deadline = performance.now() + deadlineMs;
  let last = "";
  for (let attempts = 1; ; attempts++) {
    signal?.throwIfAborted();
    try {
      const reply = await call(caller, operation, input, idempotencyKey);
      if (!REPEATED.has(reply.status)) return { ...reply, attempts };
      last = `${reply.status} ${reply.text.slice(0, 200)}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() > deadline) {
      throw new Error(`${operation} ${JSON.stringify(input)}: no answer after ${attempts} attempts, last: ${last}`);
    }
    await pause(Math.min(500, 20 * attempts));
  }
}

export const closeConnections = () => agent.destroy();
