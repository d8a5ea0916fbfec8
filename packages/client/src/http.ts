/**
 * One HTTP exchange with the protected service over kept-alive connections. It follows no redirect and knows no other
 * address than the one it was made for; repeating is the business of client.ts.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { LIMITS } from "@redoubt/shared";

export interface Endpoint {
  readonly origin: URL;
  readonly key: string;
  readonly localAddress: string | undefined;
  readonly agent: Agent;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bodyText: string;
}

/** Problem documents and the envelope of a reply need a little more than the reply itself. */
const ANSWER_BYTES_MAX = 2 * LIMITS.replyBytesMax;

/** `url` must be http, without path, query or credentials; the error says so. */
export function openEndpoint(options: {
  readonly url: string;
  readonly key: string;
  readonly localAddress?: string | undefined;
  readonly connectionsMax: number;
}): Endpoint {
  const origin = URL.canParse(options.url) ? new URL(options.url) : undefined;
  if (origin?.protocol !== "http:" || origin.pathname !== "/" || origin.search !== "" || origin.username !== "") {
    throw new RangeError(`url is ${JSON.stringify(options.url)}, expected http://<address>:<port>`);
  }
  const agent = new Agent({ keepAlive: true, maxSockets: options.connectionsMax, scheduling: "lifo" });
  return { origin, key: options.key, localAddress: options.localAddress, agent };
}

/** `body` absent: GET, else POST. Resolves with whatever was answered; rejects when the connection fails, the time (ms) is over or the answer is too long. */
export function exchange(
  { origin, key, localAddress, agent }: Endpoint,
  path: string,
  body: string | undefined,
  headers: Readonly<Record<string, string>>,
  limitMs: number,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: origin.hostname,
        port: origin.port === "" ? 80 : Number(origin.port),
        method: body === undefined ? "GET" : "POST",
        path,
        agent,
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(limitMs))),
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
          ...headers,
        },
        ...(localAddress === undefined ? {} : { localAddress }),
      },
      (response) => readAnswer(response).then(resolve, reject),
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) throw new Error(`answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    bodyText: Buffer.concat(chunks).toString("utf8"),
  };
}
