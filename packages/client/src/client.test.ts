import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { type Client, type ClientOptions, createClient } from "./client.ts";
import { type ReceivedCall, reply, startTestService, type TestService } from "./testing.ts";

const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function against(
  respond: (call: ReceivedCall, response: ServerResponse, number: number) => void,
  options: Partial<ClientOptions> = {},
): Promise<{ client: Client; service: TestService }> {
  const service = await startTestService(respond);
  const client = createClient({ url: service.url, key: "secret", ...options });
  open.push(client, service);
  return { client, service };
}

describe("a request that is held for a person", () => {
  const requestId = "ab".repeat(32);

  test("is an answer, is not repeated, and says where to ask and until when", async () => {
    const { client, service } = await against((_call, response) =>
      reply(
        response,
        202,
        { requestId, operation: "transfer", state: "held", heldUntil: 1_700_000_000_000 },
        { location: `/v1/requests/${requestId}`, "retry-after": "30", "redoubt-request-id": requestId },
      ),
    );
    expect(await client.call("transfer", {}, { deadlineMs: 5_000 })).toMatchObject({
      ...{ kind: "answer", status: 202, requestId, attempts: 1 },
      held: { location: `/v1/requests/${requestId}`, until: 1_700_000_000_000 },
    });
    expect(service.calls).toHaveLength(1);
  });

  test("is asked about by its id, with GET and the client's own key, again while the cluster is not ready", async () => {
    const { client, service } = await against((_call, response, number) =>
      number === 1
        ? reply(response, 503, {})
        : reply(response, 200, { requestId, operation: "transfer", state: "verified", status: 200, body: { done: 1 } }),
    );
    expect(await client.lookUp(requestId, { deadlineMs: 5_000 })).toMatchObject({
      ...{ status: 200, attempts: 2 },
      body: { state: "verified", body: { done: 1 } },
    });
    expect(service.calls.at(-1)).toMatchObject({
      ...{ method: "GET", path: `/v1/requests/${requestId}`, authorization: "Bearer secret", body: "" },
    });
  });

  test("cannot be asked about by anything that is no id", () => {
    const client = createClient({ url: "http://127.0.0.1:9", key: "secret" });
    open.push(client);
    expect(() => client.lookUp("../healthz", { deadlineMs: 5_000 })).toThrow("64 hexadecimal digits");
  });
});

describe("one call", () => {
  test("sends key, body and idempotency key, and hands back what was answered", async () => {
    const { client, service } = await against((_call, response) =>
      reply(response, 200, { done: 1 }, { "redoubt-request-id": "ab".repeat(32), "idempotent-replayed": "true" }),
    );
    const outcome = await client.call("deposit", { amount: 5 }, { deadlineMs: 5_000, idempotencyKey: "k1" });
    expect(outcome).toMatchObject({
      kind: "answer",
      status: 200,
      body: { done: 1 },
      bodyText: '{"done":1}',
      requestId: "ab".repeat(32),
      replayed: true,
      attempts: 1,
      idempotencyKey: "k1",
    });
    expect(service.calls).toMatchObject([
      { path: "/v1/operations/deposit", key: "k1", authorization: "Bearer secret", body: '{"amount":5}' },
    ]);
  });

  test("comes from the source address that was chosen", async () => {
    const { client, service } = await against((_call, response) => reply(response, 200, {}), {
      localAddress: "127.9.0.7",
    });
    await client.call("balance", {}, { deadlineMs: 5_000 });
    expect(service.calls[0]?.remoteAddress).toBe("127.9.0.7");
  });

  test("hands back a body that is not JSON as its text", async () => {
    const { client } = await against((_call, response) => response.end("plain"));
    expect(await client.call("balance", {}, { deadlineMs: 5_000 })).toMatchObject({ body: "plain", bodyText: "plain" });
  });

  test.each([400, 401, 403, 404, 410, 422, 500])("%i is an answer and is not repeated", async (status) => {
    const { client, service } = await against((_call, response) => reply(response, status, {}));
    expect(await client.call("balance", {}, { deadlineMs: 5_000 })).toMatchObject({ status, attempts: 1 });
    expect(service.calls).toHaveLength(1);
  });
});

describe("repetition", () => {
  test.each([429, 503, 504])("after %i the same key and body are sent until there is an answer", async (status) => {
    const { client, service } = await against((_call, response, number) =>
      number < 4 ? reply(response, status, {}) : reply(response, 200, { number }),
    );
    const outcome = await client.call("deposit", { amount: 5 }, { deadlineMs: 10_000 });
    expect(outcome).toMatchObject({ kind: "answer", status: 200, body: { number: 4 }, attempts: 4 });
    expect(new Set(service.calls.map((call) => `${call.key} ${call.body}`)).size).toBe(1);
  });

  test("after a lost connection the same key is sent again", async () => {
    const { client, service } = await against((_call, response, number) =>
      number < 3 ? response.socket?.destroy() : reply(response, 200, {}),
    );
    const outcome = await client.call("deposit", { amount: 5 }, { deadlineMs: 10_000 });
    expect(outcome).toMatchObject({ kind: "answer", status: 200, attempts: 3 });
    expect(new Set(service.calls.map((call) => call.key)).size).toBe(1);
  });

  test("an attempt that is never answered is given up and repeated", async () => {
    const { client } = await against((_call, response, number) => number > 1 && reply(response, 200, { number }), {
      attemptLimitMs: 50,
    });
    expect(await client.call("balance", {}, { deadlineMs: 10_000 })).toMatchObject({ status: 200, attempts: 2 });
  });

  test("nobody listening is no answer, with the reason and the key to go on with", async () => {
    const { client, service } = await against((_call, response) => reply(response, 200, {}));
    await service.close();
    const outcome = await client.call("balance", {}, { deadlineMs: 200, idempotencyKey: "k9" });
    expect(outcome).toMatchObject({ kind: "no-answer", idempotencyKey: "k9" });
    expect(outcome.kind === "no-answer" && outcome.reason).toMatch(/ECONNREFUSED/);
    expect(outcome.attempts).toBeGreaterThan(1);
  });

  test("the last answer counts when the deadline ends the repetitions", async () => {
    const { client } = await against((_call, response) => reply(response, 503, {}, { "retry-after": "1" }));
    const outcome = await client.call("balance", {}, { deadlineMs: 300 });
    expect(outcome).toMatchObject({ kind: "answer", status: 503, attempts: 1 });
    expect(outcome.latencyMs).toBeLessThan(300);
  });
});

test("connections are kept alive between calls", async () => {
  const { client, service } = await against((_call, response) => reply(response, 200, {}));
  for (let call = 0; call < 5; call++) await client.call("balance", {}, { deadlineMs: 5_000 });
  expect(service.connections()).toBe(1);
});

test("a redirect is an answer: nothing is ever sent elsewhere", async () => {
  const elsewhere = await startTestService((_call, response) => reply(response, 200, {}));
  open.push(elsewhere);
  const { client } = await against((_call, response) => reply(response, 307, {}, { location: elsewhere.url }));
  expect(await client.call("balance", {}, { deadlineMs: 5_000 })).toMatchObject({ status: 307 });
  expect(elsewhere.calls).toHaveLength(0);
});

test.each([
  [{ url: "https://127.0.0.1:1", key: "k" }, "url"],
  [{ url: "http://127.0.0.1:1/path", key: "k" }, "url"],
  [{ url: "nothing", key: "k" }, "url"],
  [{ url: "http://127.0.0.1:1", key: "" }, "key"],
])("%o is refused naming the option", (options, field) => {
  expect(() => createClient(options)).toThrow(field);
});

test("an operation or key that cannot travel is refused before anything is sent", async () => {
  const { client, service } = await against((_call, response) => reply(response, 200, {}));
  await expect(client.call("../admin", {}, { deadlineMs: 100 })).rejects.toThrow("operation");
  await expect(client.call("balance", {}, { deadlineMs: 100, idempotencyKey: "a b" })).rejects.toThrow(
    "idempotencyKey",
  );
  expect(service.calls).toHaveLength(0);
});
