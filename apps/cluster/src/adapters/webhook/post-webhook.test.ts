import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { deriveWebhookKey, postWebhook, SIGNATURE_HEADER } from "./post-webhook.ts";

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  server = undefined;
});

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

async function listen(
  status: number,
  headers: Record<string, string> = {},
): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const started = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString("utf8");
    });
    request.on("end", () => {
      received.push({ headers: request.headers, body });
      response.writeHead(status, headers).end("thanks");
    });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", () => resolve()));
  return { url: `http://127.0.0.1:${(started.address() as AddressInfo).port}/hook`, received };
}

describe("a webhook", () => {
  test("carries a signature that its receiver can check with the key it was given", async () => {
    const { url, received } = await listen(204);
    const key = deriveWebhookKey("secret of the cluster", "subscription-1");
    expect(await postWebhook(url, key, { hello: "world" })).toMatchObject({ kind: "sent" });
    const [one] = received;
    const signature = String(one?.headers[SIGNATURE_HEADER]);
    const [, seconds, digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
    expect(digest).toBe(createHmac("sha256", key).update(`${seconds}.${one?.body}`).digest("hex"));
    expect(JSON.parse(one?.body ?? "")).toEqual({ hello: "world" });
  });

  test("has another key for every subscription and every cluster", () => {
    const keys = [deriveWebhookKey("a", "1"), deriveWebhookKey("a", "2"), deriveWebhookKey("b", "1")];
    expect(new Set(keys).size).toBe(3);
  });

  test.each([
    [500, "retry"],
    [503, "retry"],
    [429, "retry"],
    [451, "retry"],
    [404, "failed"],
    [410, "failed"],
  ])("that is answered %i is a case for %s", async (status, kind) => {
    const { url } = await listen(status);
    expect(await postWebhook(url, "key", {})).toMatchObject({ kind, reply: expect.stringContaining(String(status)) });
  });

  test("is not sent elsewhere because its receiver says so", async () => {
    const { url, received } = await listen(307, { location: "http://127.0.0.1:1/elsewhere" });
    expect(await postWebhook(url, "key", {})).toMatchObject({ kind: "failed" });
    expect(received).toHaveLength(1);
  });

  test("is to be tried again when nobody listens", async () => {
    const { url } = await listen(200);
    server?.closeAllConnections();
    await new Promise<void>((resolve) => server?.close(() => resolve()));
    server = undefined;
    expect(await postWebhook(url, "key", {})).toMatchObject({
      kind: "retry",
      reply: expect.stringContaining("ECONNREFUSED"),
    });
  });
});
