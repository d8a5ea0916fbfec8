/**
 * The live half of the administration interface: Socket.IO at /live, one way, manager to readers.
 *
 * A reader says in its handshake which event it saw last and gets everything after it, then what happens. Each socket pulls from
 * the feed from its own cursor, so replay and live delivery are one path and can neither overlap nor leave a hole. Authorisation is
 * checked in the handshake and again for every event; a socket ends with its token, or within a second of its session's revocation.
 * It does not rely on Socket.IO's own recovery, which lives in memory and fails when nothing had been received before the cut.
 */
import type { Server as HttpServer } from "node:http";
import { type FeedEvent, type FeedServerToClient, feedHandshakeSchema } from "@redoubt/shared";
import { Server, type Socket } from "socket.io";
import type { Authenticate, Session } from "./authentication.ts";
import type { EventFeed, SessionDirectory } from "./feed.ts";
import { maySeeEvent } from "./permissions.ts";

export interface LiveOptions {
  authenticate: Authenticate;
  feed: EventFeed;
  sessions: SessionDirectory | null;
  /** Origins of the console's pages; a browser on any other page is refused. */
  allowedOrigins: () => readonly string[];
  /** Resolves, in a few seconds at most, with whether the feed can be served. */
  opened: () => Promise<boolean>;
  /** Told about faults of ours while a socket is served. */
  onFault: (error: unknown) => void;
}

const path = "/live";
const socketsMax = 512;
const batchSize = 500;
/** A reader that does not take this many packets is cut off; it comes back from its cursor. */
const unsentPacketsMax = 5_000;
const revocationIntervalMs = 1_000;

type NoEvents = Record<string, never>;
type LiveSocket = Socket<NoEvents, FeedServerToClient, NoEvents, { session: Session }>;

export function attachLive(http: HttpServer, options: LiveOptions): { close(): Promise<void> } {
  const io = new Server<NoEvents, FeedServerToClient, NoEvents, { session: Session }>(http, {
    path,
    addTrailingSlash: false,
    serveClient: false,
    maxHttpBufferSize: 16 * 1024,
    pingInterval: 10_000,
    pingTimeout: 5_000,
  });
  io.use((socket, next) => {
    admit(socket, io.of("/").sockets.size, options).then(
      (refusal) => next(refusal === null ? undefined : new Error(refusal)),
      (error: unknown) => {
        options.onFault(error);
        next(new Error("unavailable"));
      },
    );
  });
  io.on("connection", (socket) => serve(socket, options));
  const revocations = options.sessions === null ? null : watchRevocations(io, options.sessions, options.onFault);
  return {
    async close() {
      if (revocations !== null) clearInterval(revocations);
      await io.close();
    },
  };
}

/** Null when the socket may connect, else the reason. Refusals are made here because a refused upgrade leaves clients hanging. */
async function admit(socket: LiveSocket, connected: number, options: LiveOptions): Promise<string | null> {
  const { origin, authorization } = socket.handshake.headers;
  // Web sockets ignore CORS, so the origin is ours to check. Programs that are no browser send none.
  if (origin !== undefined && !options.allowedOrigins().includes(origin)) return "origin not allowed";
  if (connected >= socketsMax) return "too many readers";
  const session = await options.authenticate(authorization);
  if (session === null) return "unauthorized";
  if (!(await options.opened())) return "unavailable";
  if (!feedHandshakeSchema.safeParse(socket.handshake.auth).success) {
    return "after: expected the number of the last event seen";
  }
  socket.data.session = session;
  return null;
}

function serve(socket: LiveSocket, options: LiveOptions): void {
  const { feed } = options;
  const { session } = socket.data;
  const { after } = feedHandshakeSchema.parse(socket.handshake.auth);
  // A cursor from the future belongs to another life of the feed: the reader must load everything again.
  const gap = after !== undefined && (after > feed.latest || after + 1 < feed.oldest);
  let cursor = after === undefined || gap ? feed.latest : after;
  let pumping = false;
  let wanted = false;
  const unsentPackets = countUnsent(socket);

  const deliver = (event: FeedEvent) => {
    cursor = event.number;
    if (maySeeEvent(session.actor.role, event.kind)) socket.emit("event", event);
  };
  const pump = async () => {
    wanted = true;
    if (pumping) return;
    pumping = true;
    try {
      while (wanted && socket.connected) {
        wanted = false;
        const batch = await feed.since(cursor, batchSize);
        for (const event of batch) deliver(event);
        if (batch.length === batchSize) wanted = true;
        if (unsentPackets() > unsentPacketsMax) socket.disconnect(true);
      }
    } catch (error) {
      options.onFault(error);
      socket.disconnect(true);
    } finally {
      pumping = false;
    }
  };
  const stopEvents = feed.subscribe((event) => {
    if (!pumping && event.number === cursor + 1 && unsentPackets() <= unsentPacketsMax) deliver(event);
    else void pump();
  });
  const stopTraffic = feed.subscribeTraffic((counters) => {
    if (unsentPackets() === 0) socket.emit("traffic", counters);
  });
  const expiry = endAtExpiry(socket, session);
  socket.on("disconnect", () => {
    stopEvents();
    stopTraffic();
    clearTimeout(expiry);
  });
  socket.emit("greeting", { latest: feed.latest, oldest: feed.oldest, gap });
  void pump();
}

function endAtExpiry(socket: LiveSocket, session: Session): NodeJS.Timeout | undefined {
  if (session.expiresAtMs === null) return undefined;
  const expiry = setTimeout(() => socket.disconnect(true), Math.max(0, session.expiresAtMs - Date.now()));
  expiry.unref();
  return expiry;
}

/** Counts the packets that wait for the reader: made, but not yet handed to the transport. */
function countUnsent(socket: LiveSocket): () => number {
  let unsent = 0;
  socket.conn.on("packetCreate", () => {
    unsent += 1;
  });
  socket.conn.on("flush", (packets: readonly unknown[]) => {
    unsent = Math.max(0, unsent - packets.length);
  });
  return () => unsent;
}

function watchRevocations(
  io: Server<NoEvents, FeedServerToClient, NoEvents, { session: Session }>,
  sessions: SessionDirectory,
  onFault: (error: unknown) => void,
): NodeJS.Timeout {
  let asking = false;
  const check = async () => {
    if (asking) return;
    asking = true;
    try {
      const sockets = [...io.of("/").sockets.values()];
      const ids = sockets.map((socket) => socket.data.session.sessionId).filter((id) => id !== null);
      if (ids.length === 0) return;
      const revoked = await sessions.revoked([...new Set(ids)]);
      for (const socket of sockets) {
        const { sessionId } = socket.data.session;
        if (sessionId !== null && revoked.has(sessionId)) socket.disconnect(true);
      }
    } catch (error) {
      onFault(error);
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void check(), revocationIntervalMs);
  timer.unref();
  return timer;
}
