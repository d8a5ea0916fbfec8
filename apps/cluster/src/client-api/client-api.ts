/**
 * The client HTTP API (DESIGN §8): the outermost door of the cluster, `node:http` with strict limits and nothing else.
 * It turns HTTP into inputs of the traffic regulator's core and the core's `respond` effects into HTTP; it decides
 * nothing about a request but whether its text is in order, and believes nothing a client says about itself.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type AdmitRequest, problemResponse, type RespondEffect } from "@redoubt/protocol";
import { LIMITS } from "@redoubt/shared";
import { clientAddress } from "./client-address.ts";
import {
  mediaTypeProblem,
  type RequestInput,
  readBody,
  readInput,
  tooLarge,
  type ValidateInput,
} from "./request-input.ts";
import { findRoute, type Route } from "./routes.ts";

export interface LookUpRequest {
  readonly exchange: string;
  readonly credentialDigest?: string;
  readonly address: string;
  readonly requestId: string;
}

/** What the API needs from the process around the core. */
export interface ClientApiPorts {
  /** A request for the core; answered by {@link ClientApi.respond} with the same exchange. */
  onAdmit(request: AdmitRequest): void;
  /** `GET /v1/requests/{id}`; answered the same way. */
  onLookUp(request: LookUpRequest): void;
  /** The client went away before it was answered. */
  onAbandoned(exchange: string): void;
  isReady(): boolean;
  readonly validateInput: ValidateInput;
}

export interface ClientApiConfiguration {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The contract's own paths → operation. Read for each request: versions change while it serves. */
  readonly ownRoutes?: ReadonlyMap<string, string>;
  /** OpenAPI document, served as it is. Read for each request. */
  readonly openApi: unknown;
  /** Addresses of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies?: readonly string[];
  readonly limits?: Partial<ClientApiLimits>;
}

export interface ClientApiLimits {
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  /** Headers must be complete after this long. */
  readonly headersTimeoutMs: number;
  /** The whole request must be there after this long (slow-loris). */
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly connectionsMax: number;
  /** Exchanges waiting for an answer at a time. */
  readonly exchangesMax: number;
}

export const CLIENT_API_LIMITS: ClientApiLimits = {
  bodyBytesMax: LIMITS.inputBytesMax,
  headerBytesMax: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  keepAliveMs: 65_000,
  connectionsMax: 10_000,
  exchangesMax: 16_384,
};

export type Answer = Pick<RespondEffect, "status" | "headers" | "bodyText">;

export interface ClientApi {
  /** Where it listens. */
  readonly url: string;
  readonly port: number;
  /** Answers an exchange; one that is answered or gone already is ignored. */
  respond(exchange: string, answer: Answer): void;
  /** Takes no more connections, ends the idle ones, and resolves when all are closed. */
  close(): Promise<void>;
}

export async function openClientApi(configuration: ClientApiConfiguration, ports: ClientApiPorts): Promise<ClientApi> {
  const limits = { ...CLIENT_API_LIMITS, ...configuration.limits };
  const api = new Exchanges(configuration, ports, limits);
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
      requireHostHeader: true,
      insecureHTTPParser: false,
      noDelay: true,
    },
    (request, response) => api.handle(request, response),
  );
  server.maxConnections = limits.connectionsMax;
  server.on("clientError", refuseBytes);
  server.on("checkContinue", (request, response) => {
    if (Number(request.headers["content-length"] ?? 0) <= limits.bodyBytesMax) response.writeContinue();
    api.handle(request, response);
  });
  await listen(server, configuration);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${configuration.host}:${port}`,
    port,
    respond: (exchange, answer) => api.respond(exchange, answer),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        api.closeAll();
      }),
  };
}

function listen(server: Server, { host, port }: ClientApiConfiguration): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Bytes that are no HTTP request, too large headers, or a client that is too slow. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;

const NO_ROUTES: ReadonlyMap<string, string> = new Map();

class Exchanges {
  readonly #ports: ClientApiPorts;
  readonly #limits: ClientApiLimits;
  readonly #configuration: ClientApiConfiguration;
  readonly #trustedProxies: ReadonlySet<string>;
  #openApi: { readonly document: unknown; readonly text: string } | undefined;
  readonly #waiting = new Map<string, ServerResponse>();
  #last = 0;

  constructor(configuration: ClientApiConfiguration, ports: ClientApiPorts, limits: ClientApiLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#configuration = configuration;
    this.#trustedProxies = new Set(configuration.trustedProxies);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    response.on("error", () => response.destroy());
    const route = findRoute(request.method ?? "", request.url ?? "", this.#configuration.ownRoutes ?? NO_ROUTES);
    switch (route.kind) {
      case "operation":
        void this.#operate(request, response, route);
        return;
      case "request":
        this.#lookUp(request, response, route.requestId);
        return;
      case "openapi":
        write(response, json(200, this.#openApiText()));
        return;
      case "health":
        write(response, json(200, '{"status":"ok"}'));
        return;
      case "ready": {
        const ready = this.#ports.isReady();
        write(response, json(ready ? 200 : 503, JSON.stringify({ status: ready ? "ready" : "starting" })));
        return;
      }
      case "method": {
        const answer = problemResponse("method-not-allowed");
        write(response, { ...answer, headers: { ...answer.headers, allow: route.allow } });
        return;
      }
      case "unknown":
        write(response, problemResponse("not-found"));
        return;
    }
  }

  #openApiText(): string {
    const { openApi: document } = this.#configuration;
    if (this.#openApi?.document !== document) this.#openApi = { document, text: JSON.stringify(document) };
    return this.#openApi?.text ?? "";
  }

  respond(exchange: string, answer: Answer): void {
    const response = this.#waiting.get(exchange);
    if (!response) return;
    this.#waiting.delete(exchange);
    write(response, answer);
  }

  closeAll(): void {
    for (const exchange of [...this.#waiting.keys()])
      this.respond(exchange, problemResponse("not-ready", { retryAfterSeconds: 1 }));
  }

  async #operate(
    request: IncomingMessage,
    response: ServerResponse,
    { operation }: Extract<Route, { kind: "operation" }>,
  ): Promise<void> {
    const input = await this.#input(request, operation);
    if (input === "gone") return;
    // What was not read must not be taken for the next request.
    if (!request.complete) response.setHeader("connection", "close");
    const exchange = this.#begin(response);
    if (exchange === undefined) return;
    const key = request.headers["idempotency-key"];
    this.#ports.onAdmit({
      exchange,
      ...this.#sender(request),
      operation,
      ...(typeof key === "string" ? { key } : {}),
      ...(input.ok
        ? { inputText: input.inputText, validatedBy: input.validatedBy }
        : { inputText: "", inputProblem: input.problem }),
    });
  }

  async #input(request: IncomingMessage, operation: string): Promise<RequestInput | "gone"> {
    const wrongType = mediaTypeProblem(request.headers);
    if (wrongType) return wrongType;
    const read = await readBody(request, this.#limits.bodyBytesMax);
    if (read === "gone") return "gone";
    if (read === "too-large") return tooLarge(this.#limits.bodyBytesMax);
    return readInput(read.body, operation, this.#ports.validateInput);
  }

  #lookUp(request: IncomingMessage, response: ServerResponse, requestId: string): void {
    const exchange = this.#begin(response);
    if (exchange !== undefined) this.#ports.onLookUp({ exchange, ...this.#sender(request), requestId });
  }

  #sender(request: IncomingMessage): { readonly address: string; readonly credentialDigest?: string } {
    const forwarded = request.headers["x-forwarded-for"];
    const address = clientAddress(
      request.socket.remoteAddress ?? "",
      typeof forwarded === "string" ? forwarded : forwarded?.join(","),
      this.#trustedProxies,
    );
    const key = BEARER.exec(request.headers.authorization ?? "")?.[1];
    return key === undefined
      ? { address }
      : { address, credentialDigest: createHash("sha256").update(key).digest("hex") };
  }

  #begin(response: ServerResponse): string | undefined {
    if (this.#waiting.size >= this.#limits.exchangesMax) {
      write(response, problemResponse("overloaded", { retryAfterSeconds: 1 }));
      return undefined;
    }
    const exchange = `exchange-${++this.#last}`;
    this.#waiting.set(exchange, response);
    response.once("close", () => {
      if (this.#waiting.delete(exchange)) this.#ports.onAbandoned(exchange);
    });
    return exchange;
  }
}

const json = (status: number, bodyText: string): Answer => ({
  status,
  headers: { "content-type": "application/json" },
  bodyText,
});

function write(response: ServerResponse, { status, headers, bodyText }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(bodyText, "utf8");
  response.writeHead(status, {
    ...headers,
    "content-length": body.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(body);
  const { req: request } = response;
  // An unread rest (too large a body) is not waited for.
  if (!request.complete) response.once("finish", () => request.socket.destroySoon());
}
