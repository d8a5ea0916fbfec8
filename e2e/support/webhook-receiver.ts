/** A receiver of webhooks as somebody outside would run it: keeps what arrives and checks each signature by itself. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly purpose: string;
  readonly subject: string;
  readonly code?: string;
  readonly signingKey?: string;
  readonly event?: { readonly kind: string };
  /** By the key that came with the verification code. */
  readonly isSigned: boolean;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

export async function openWebhookReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = [];
  let signingKey = "";
  const server = createServer(async (request, response) => {
    const body = await read(request);
    const content = JSON.parse(body) as Received;
    signingKey = content.signingKey ?? signingKey;
    received.push({ ...content, isSigned: isSigned(request, body, signingKey) });
    response.writeHead(204).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/alerts`, received, close: () => close(server) };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** `redoubt-signature: t=<seconds>,v1=<hex>`, HMAC-SHA-256 over `<seconds>.<body>`. */
function isSigned(request: IncomingMessage, body: string, key: string): boolean {
  const [, seconds, digest = ""] =
    /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers["redoubt-signature"])) ?? [];
  if (seconds === undefined) return false;
  const expected = createHmac("sha256", key).update(`${seconds}.${body}`).digest();
  return timingSafeEqual(expected, Buffer.from(digest, "hex"));
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
