/**
 * The administration server of the configuration manager: tRPC at /trpc, the live feed at /live, /healthz. It holds no state of its
 * own; the port answers, the feed remembers.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { createAuthentication, type JwksProvider } from "./authentication.ts";
import type { EventFeed, SessionDirectory } from "./feed.ts";
import { attachLive } from "./live.ts";
import type { AdministrationPort } from "./port.ts";
import { administrationRouter } from "./router.ts";
import type { AdministrationContext } from "./trpc.ts";

export interface AdministrationServerOptions {
  /** Address to listen on; port 0 takes a free one. */
  listen: { host: string; port: number };
  port: AdministrationPort;
  feed: EventFeed;
  adminToken: string;
  jwks: JwksProvider;
  /** Null while nobody can tell (log-in database down): tokens then still end by themselves within five minutes. */
  sessions: SessionDirectory | null;
  allowedOrigins: () => readonly string[];
  onFault: (error: unknown) => void;
}

export interface AdministrationServer {
  url: string;
  close(): Promise<void>;
}

const bodySizeMax = 256 * 1024;

/** Resolves when the server listens; rejects when the address is taken. */
export async function startAdministrationServer(options: AdministrationServerOptions): Promise<AdministrationServer> {
  const authenticate = createAuthentication({ adminToken: options.adminToken, jwks: options.jwks });
  const trpc = createHTTPHandler({
    router: administrationRouter,
    basePath: "/trpc/",
    maxBodySize: bodySizeMax,
    async createContext({ req }): Promise<AdministrationContext> {
      const session = await authenticate(req.headers.authorization);
      return { actor: session?.actor ?? null, port: options.port, feed: options.feed };
    },
    onError({ error }) {
      if (error.code === "INTERNAL_SERVER_ERROR") options.onFault(error.cause ?? error);
    },
  });
  const http = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, answer(trpc));
  const live = attachLive(http, {
    authenticate,
    feed: options.feed,
    sessions: options.sessions,
    allowedOrigins: options.allowedOrigins,
    onFault: options.onFault,
  });
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(options.listen, () => resolve());
  });
  const { address, port, family } = http.address() as AddressInfo;
  return {
    url: `http://${family === "IPv6" ? `[${address}]` : address}:${port}`,
    async close() {
      http.closeAllConnections();
      await live.close();
    },
  };
}

function answer(trpc: RequestListener): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split("?", 1)[0] ?? "/";
    if (path.startsWith("/trpc/")) return trpc(request, response);
    response.setHeader("content-type", "application/json");
    response.setHeader("cache-control", "no-store");
    if (path === "/healthz") return response.writeHead(200).end('{"ok":true}');
    response.writeHead(404).end('{"error":"not found"}');
  };
}
