/** A service of our own on 127.0.0.1 that answers as each test says. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedCall {
  readonly method: string;
  readonly path: string;
  readonly key: string;
  readonly authorization: string;
  readonly remoteAddress: string;
  readonly body: string;
}

export interface TestService {
  readonly url: string;
  readonly calls: ReceivedCall[];
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

export async function startTestService(
  respond: (call: ReceivedCall, response: ServerResponse, number: number) => void,
): Promise<TestService> {
  const calls: ReceivedCall[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const call: ReceivedCall = {
        method: request.method ?? "",
        path: request.url ?? "",
        key: String(request.headers["idempotency-key"]),
        authorization: String(request.headers.authorization),
        remoteAddress: request.socket.remoteAddress ?? "",
        body,
      };
      calls.push(call);
      respond(call, response, calls.length);
    });
  });
  server.on("connection", () => connections++);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    connections: () => connections,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

export function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
