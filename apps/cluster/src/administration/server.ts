/**
 * The administration server of the configuration manager: tRPC at /trpc, the live feed at /live, /healthz. It holds no state of its
 * own; the port answers, the feed remembers.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { TRPCError } from "@trpc/server";
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
  /** Resolves when everything people decide has been read; until then only {@link ALWAYS_SHOWN} is answered. Default: at once. */
  opened?: Promise<void>;
  onFault: (error: unknown) => void;
}

export interface AdministrationServer {
  url: string;
  close(): Promise<void>;
}

const bodySizeMax = 256 * 1024;
/** What needs no records: someone who looks at a cluster in trouble must not wait for a database. */
const ALWAYS_SHOWN = "cluster.status";
/** Other questions wait this long for the records. */
const openingPatienceMs = 5_000;

/** Resolves when the server listens; rejects when the address is taken. */
export async function startAdministrationServer(options: AdministrationServerOptions): Promise<AdministrationServer> {
  const opening = watchOpening(options.opened ?? Promise.resolve());
  const authenticate = createAuthentication({ adminToken: options.adminToken, jwks: options.jwks });
  const trpc = createHTTPHandler({
    router: administrationRouter,
    basePath: "/trpc/",
    maxBodySize: bodySizeMax,
    async createContext({ req, info }): Promise<AdministrationContext> {
      if (!info.calls.every(({ path }) => path === ALWAYS_SHOWN) && !(await opening.soon()))
        throw new TRPCError({ code: "SERVICE_UNAVAILABLE", message: "The manager is starting; try in a moment." });
      const session = await authenticate(req.headers.authorization);
      return { actor: session?.actor ?? null, port: options.port, feed: options.feed };
    },
    onError({ error }) {
      if (error.code === "INTERNAL_SERVER_ERROR") options.onFault(error.cause ?? error);
    },
  });
  const http = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, answer(trpc, opening.isOver));
  const live = attachLive(http, {
    authenticate,
    feed: options.feed,
    sessions: options.sessions,
    allowedOrigins: options.allowedOrigins,
    opened: opening.soon,
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

function watchOpening(opened: Promise<void>) {
  let isOver = false;
  const over = opened.then(() => {
    isOver = true;
  });
  // Whoever opens the records says why that failed.
  over.catch(() => undefined);
  return {
    isOver: () => isOver,
    /** False when it is not over after the patience of a question. */
    async soon(): Promise<boolean> {
      if (isOver) return true;
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, openingPatienceMs);
      });
      await Promise.race([over.catch(() => undefined), limit]);
      clearTimeout(timer);
      return isOver;
    },
  };
}

function answer(trpc: RequestListener, isOpen: () => boolean): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split("?", 1)[0] ?? "/";
    if (path.startsWith("/trpc/")) return trpc(request, response);
    response.setHeader("content-type", "application/json");
    response.setHeader("cache-control", "no-store");
    if (path === "/healthz") return response.writeHead(isOpen() ? 200 : 503).end(`{"ok":${isOpen()}}`);
    response.writeHead(404).end('{"error":"not found"}');
  };
}
