import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { type AdmitRequest, problemResponse } from "@redoubt/protocol";
import { afterEach, describe, expect, test } from "vitest";
import { type ClientApi, type ClientApiConfiguration, type LookUpRequest, openClientApi } from "./client-api.ts";

interface Opened {
  readonly api: ClientApi;
  readonly admitted: AdmitRequest[];
  readonly lookedUp: LookUpRequest[];
  readonly abandoned: string[];
  /** Resolves when the condition holds; checked whenever the core would get an input. */
  until(condition: () => boolean): Promise<void>;
}

const open: ClientApi[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((api) => api.close()));
});

interface Behaviour {
  readonly ready?: boolean;
  readonly silent?: boolean;
}

/** An API whose core answers every request at once with what it was given. */
async function start(
  configuration: Partial<ClientApiConfiguration> = {},
  { ready = true, silent = false }: Behaviour = {},
): Promise<Opened> {
  const admitted: AdmitRequest[] = [];
  const lookedUp: LookUpRequest[] = [];
  const abandoned: string[] = [];
  const waiting = new Set<() => void>();
  const notify = (): void => {
    for (const check of waiting) check();
  };
  const api: ClientApi = await openClientApi(
    { host: "127.0.0.1", port: 0, openApi: { openapi: "3.1.0" }, ...configuration },
    {
      onAdmit(request) {
        admitted.push(request);
        notify();
        if (silent) return;
        const { inputProblem } = request;
        const answer = inputProblem
          ? problemResponse("malformed-request", { detail: inputProblem.detail, errors: inputProblem.errors })
          : { status: 200, headers: { "content-type": "application/json" }, bodyText: request.inputText };
        api.respond(request.exchange, { ...answer, status: inputProblem?.status ?? answer.status });
      },
      onLookUp(request) {
        lookedUp.push(request);
        api.respond(request.exchange, problemResponse("unknown-request"));
      },
      onAbandoned(exchange) {
        abandoned.push(exchange);
        notify();
      },
      isReady: () => ready,
      validateInput: (_operation, input) => ({
        problems:
          typeof (input as { amount?: unknown }).amount === "number"
            ? []
            : [{ field: "/amount", expected: "integer", got: "absent" }],
        validatedBy: "version",
      }),
    },
  );
  open.push(api);
  const until = (condition: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { api, admitted, lookedUp, abandoned, until };
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly localAddress?: string;
}

function ask(api: ClientApi, { method = "POST", path, headers, body, localAddress }: Ask = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: "127.0.0.1",
        port: api.port,
        method,
        path: path ?? "/v1/operations/transfer",
        agent: false,
        ...(localAddress === undefined ? {} : { localAddress }),
        headers: method === "POST" ? { "content-type": "application/json", ...headers } : headers,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      },
    );
    sent.on("error", reject);
    sent.end(method === "POST" ? (body ?? '{"amount":5}') : undefined);
  });
}

/** Raw bytes to the server; resolves to all it says until it closes. */
function raw(api: ClientApi, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(api.port, "127.0.0.1", () => socket.write(bytes));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => resolve(text));
    socket.on("close", () => resolve(text));
  });
}

describe("an operation", () => {
  test("reaches the core with operation, key, hash of the client key and canonical input", async () => {
    const { api, admitted } = await start();
    const reply = await ask(api, {
      body: '{ "to": 2, "amount": 5.0, "from": 1 }',
      headers: { authorization: "Bearer secret", "idempotency-key": "k-1" },
    });
    expect(reply).toMatchObject({ status: 200, text: '{"amount":5,"from":1,"to":2}' });
    expect(admitted[0]).toEqual({
      exchange: "exchange-1",
      address: "127.0.0.1",
      credentialDigest: createHash("sha256").update("secret").digest("hex"),
      operation: "transfer",
      key: "k-1",
      inputText: '{"amount":5,"from":1,"to":2}',
      validatedBy: "version",
    });
    expect(reply.headers).toMatchObject({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  });

  test("carries the socket's source address, and nobody's word about it", async () => {
    const { api, admitted } = await start();
    await ask(api, {
      localAddress: "127.9.0.7",
      headers: { "x-forwarded-for": "10.0.0.1", forwarded: "for=10.0.0.1" },
    });
    expect(admitted[0]?.address).toBe("127.9.0.7");
  });

  test("from a trusted proxy carries the address the proxy saw", async () => {
    const { api, admitted } = await start({ trustedProxies: ["127.9.0.9"] });
    await ask(api, { localAddress: "127.9.0.9", headers: { "x-forwarded-for": "6.6.6.6, 192.0.2.7" } });
    expect(admitted[0]?.address).toBe("192.0.2.7");
  });

  test("without or with an ill-formed credential reaches the core without one", async () => {
    const { api, admitted } = await start();
    await ask(api);
    await ask(api, { headers: { authorization: "Basic abc" } });
    expect(admitted.map(({ credentialDigest }) => credentialDigest)).toEqual([undefined, undefined]);
  });

  test("can be called by the contract's own route", async () => {
    const { api, admitted } = await start({ ownRoutes: new Map([["/transfers", "transfer"]]) });
    expect((await ask(api, { path: "/transfers?x=1" })).status).toBe(200);
    expect(admitted[0]?.operation).toBe("transfer");
  });
});

describe("what is not in order", () => {
  test("malformed JSON is 400 and names the position", async () => {
    const { api } = await start();
    const { status, headers, text } = await ask(api, { body: '{"amount": 5,}' });
    expect([status, headers["content-type"]]).toEqual([400, "application/problem+json"]);
    expect((JSON.parse(text) as { detail: string }).detail).toContain("line 1, column 14 (position 13)");
  });

  test("a missing field is 400 and names the field and what was expected", async () => {
    const { api } = await start();
    const { status, text } = await ask(api, { body: "{}" });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({
      type: "https://redoubt.dev/problems/malformed-request",
      detail: "/amount: expected integer, got absent",
      errors: [{ field: "/amount", expected: "integer" }],
    });
  });

  test("duplicate keys, deep nesting, other encodings and no body are 400", async () => {
    const { api } = await start();
    for (const body of ['{"amount":1,"amount":2}', "[".repeat(10_000), Buffer.from([0x22, 0xff, 0x22]), ""])
      expect((await ask(api, { body })).status).toBe(400);
  });

  test("another media type, charset or a compressed body is 415", async () => {
    const { api } = await start();
    const refused: Record<string, string>[] = [
      { "content-type": "text/plain" },
      { "content-type": "application/json; charset=utf-16" },
      { "content-encoding": "gzip" },
    ];
    for (const headers of refused) expect((await ask(api, { headers })).status).toBe(415);
    expect((await ask(api, { headers: { "content-type": "application/vnd.bank+json; charset=utf-8" } })).status).toBe(
      200,
    );
  });

  test("too large a body is 413, declared or not, and its rest is never read as another request", async () => {
    const { api, admitted } = await start({ limits: { bodyBytesMax: 1_000 } });
    expect((await ask(api, { body: `{"amount":1,"x":"${"x".repeat(1_000)}"}` })).status).toBe(413);
    const smuggled = "POST /v1/operations/transfer HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    const chunk = `${"x".repeat(2_000)}${smuggled}`;
    const text = await raw(
      api,
      `POST /v1/operations/transfer HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 413/);
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(admitted.map(({ inputProblem }) => inputProblem?.status)).toEqual([413, 413]);
  });

  test("unknown paths are 404, wrong methods 405, and neither reaches the core", async () => {
    const { api, admitted } = await start();
    for (const path of ["/", "/v1/operations/", "/v1/operations/a/b", "/v1/operations/%E0%A4%A", "/v2"])
      expect((await ask(api, { path })).status).toBe(404);
    const wrong = await ask(api, { method: "GET" });
    expect([wrong.status, wrong.headers.allow]).toEqual([405, "POST"]);
    expect(admitted).toHaveLength(0);
  });

  test("bytes that are no HTTP request, and ambiguous lengths, end the connection", async () => {
    const { api, admitted } = await start();
    expect(await raw(api, "hello\r\n\r\n")).toMatch(/^HTTP\/1\.1 400/);
    const ambiguous =
      "POST /v1/operations/transfer HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    expect(await raw(api, ambiguous)).toMatch(/^HTTP\/1\.1 400/);
    const large = `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`;
    expect(await raw(api, large)).toMatch(/^HTTP\/1\.1 431/);
    expect(admitted).toHaveLength(0);
  });

  test("a client that dribbles its request is cut off (slow-loris)", async () => {
    const { api } = await start({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 } });
    const head = "POST /v1/operations/transfer HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n";
    const [headers, body] = await Promise.all([
      raw(api, head),
      raw(api, `${head}Content-Type: application/json\r\n\r\n{`),
    ]);
    for (const text of [headers, body]) expect(text).toMatch(/^HTTP\/1\.1 408/);
  });
});

describe("around the operations", () => {
  test("health, readiness and the OpenAPI document", async () => {
    const { api } = await start({}, { ready: false });
    expect((await ask(api, { method: "GET", path: "/healthz" })).status).toBe(200);
    expect((await ask(api, { method: "GET", path: "/readyz" })).status).toBe(503);
    const document = await ask(api, { method: "GET", path: "/v1/openapi.json" });
    expect(JSON.parse(document.text)).toEqual({ openapi: "3.1.0" });
  });

  test("a look-up carries the id and who asks", async () => {
    const { api, lookedUp } = await start();
    const headers = { authorization: "Bearer secret" };
    expect((await ask(api, { method: "GET", path: "/v1/requests/abc", headers })).status).toBe(404);
    expect(lookedUp[0]).toMatchObject({ requestId: "abc", credentialDigest: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  test("a client that goes away is reported, and answering it later does nothing", async () => {
    const { api, admitted, abandoned, until } = await start({}, { silent: true });
    const sent = httpRequest({
      host: "127.0.0.1",
      port: api.port,
      method: "POST",
      path: "/v1/operations/transfer",
      headers: { "content-type": "application/json" },
    });
    sent.on("error", () => undefined);
    sent.end('{"amount":1}');
    await until(() => admitted.length === 1);
    sent.destroy();
    await until(() => abandoned.length === 1);
    api.respond(abandoned[0] ?? "", { status: 200, headers: {}, bodyText: "{}" });
  });

  test("more exchanges than allowed are refused at once", async () => {
    const { api, admitted, until } = await start({ limits: { exchangesMax: 1 } }, { silent: true });
    const first = ask(api);
    await until(() => admitted.length === 1);
    const second = await ask(api);
    expect([second.status, second.headers["retry-after"]]).toEqual([503, "1"]);
    api.respond(admitted[0]?.exchange ?? "", { status: 200, headers: {}, bodyText: "{}" });
    expect((await first).status).toBe(200);
  });

  test("many requests at once are each answered with their own", async () => {
    const { api } = await start();
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, amount) => ask(api, { body: JSON.stringify({ amount }) })),
    );
    expect(replies.map(({ text }) => (JSON.parse(text) as { amount: number }).amount)).toEqual(
      Array.from({ length: 50 }, (_, amount) => amount),
    );
  });
});
