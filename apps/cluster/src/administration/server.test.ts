import { generateKeyPairSync } from "node:crypto";
import type { FeedEvent, FeedFact, FeedGreeting, TrafficCounters } from "@redoubt/shared";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { io, type Socket } from "socket.io-client";
import superjson from "superjson";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  MemoryFeed,
  type RecordingPort,
  recordingPort,
  type TokenMaker,
  tokenMaker,
} from "../../fixtures/recording-port.ts";
import type { AdministrationRouter } from "./api.ts";
import { type AdministrationServer, startAdministrationServer } from "./server.ts";

const adminToken = "t".repeat(43);
const origin = "http://127.0.0.1:7401";
const fact = (host: string): FeedFact => ({ kind: "host.unblocked", severity: "info", host, client: null, by: "ann" });
const auditFact: FeedFact = {
  kind: "audit.appended",
  severity: "info",
  entry: 1,
  actor: "ann",
  action: "x",
  subject: "y",
};

let feed: MemoryFeed;
let recorded: RecordingPort;
let tokens: TokenMaker;
let revoked: Set<string>;
let faults: unknown[];
let server: AdministrationServer;
let sockets: Socket[];

beforeEach(async () => {
  feed = new MemoryFeed(50);
  recorded = recordingPort({
    status: async () => ({ cluster: { name: "bank" } }) as never,
    nodes: () => Promise.reject(new Error("secret detail")),
  });
  tokens = await tokenMaker();
  revoked = new Set();
  faults = [];
  sockets = [];
  server = await startAdministrationServer(options());
});

const options = () => ({
  listen: { host: "127.0.0.1", port: 0 },
  port: recorded.port,
  feed,
  adminToken,
  jwks: tokens.jwks,
  sessions: { revoked: async (ids: readonly string[]) => new Set(ids.filter((id) => revoked.has(id))) },
  allowedOrigins: () => [origin],
  onFault: (fault: unknown) => void faults.push(fault),
});

afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  await server.close();
});

function clientWith(token: string) {
  const headers = { authorization: `Bearer ${token}` };
  return createTRPCClient<AdministrationRouter>({
    links: [httpBatchLink({ url: `${server.url}/trpc`, transformer: superjson, headers })],
  });
}

interface Reader {
  socket: Socket;
  hosts: () => string[];
  events: FeedEvent[];
  greetings: FeedGreeting[];
  counters: TrafficCounters[];
}

function reader(token: string, options: { after?: number; origin?: string } = {}): Reader {
  const extraHeaders: Record<string, string> = { authorization: `Bearer ${token}` };
  if (options.origin !== undefined) extraHeaders.origin = options.origin;
  const auth = options.after === undefined ? {} : { after: options.after };
  const socket = io(server.url, {
    path: "/live",
    extraHeaders,
    auth,
    reconnection: false,
    forceNew: true,
    transports: ["websocket"],
  });
  sockets.push(socket);
  const result: Reader = {
    socket,
    events: [],
    greetings: [],
    counters: [],
    hosts: () => result.events.map((event) => ("host" in event ? event.host : event.kind)),
  };
  socket.on("event", (event) => result.events.push(event));
  socket.on("greeting", (greeting) => result.greetings.push(greeting));
  socket.on("traffic", (counters) => result.counters.push(counters));
  return result;
}

const connected = (socket: Socket) => new Promise<void>((resolve) => socket.once("connect", () => resolve()));
const refusal = (socket: Socket) =>
  new Promise<string>((resolve) => socket.once("connect_error", ({ message }) => resolve(message)));
const ended = (socket: Socket) => new Promise<void>((resolve) => socket.once("disconnect", () => resolve()));

describe("while the manager reads its records", () => {
  it("shows who runs where, says that it is not there yet, and answers everything else afterwards", async () => {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    await server.close();
    server = await startAdministrationServer({ ...options(), opened });
    const client = clientWith(adminToken);
    expect(await client.cluster.status.query()).toEqual({ cluster: { name: "bank" } });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(503);
    const settings = client.cluster.settings.query();
    const { socket } = reader(adminToken);
    expect(recorded.calls).toEqual(["status"]);
    expect(socket.connected).toBe(false);
    open();
    await Promise.all([settings, connected(socket)]);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

describe("tRPC", () => {
  it("answers the administration token as `local` and a session token as its person", async () => {
    await clientWith(adminToken).clients.revoke.mutate({ client: "shop" });
    await clientWith(await tokens.token("admin")).clients.revoke.mutate({ client: "shop" });
    expect(recorded.audited.map(({ actor }) => [actor.name, actor.via])).toEqual([
      ["local", "local"],
      ["admin@example.org", "console"],
    ]);
    await expect(clientWith(adminToken).cluster.status.query()).resolves.toMatchObject({ cluster: { name: "bank" } });
  });

  it.each([
    ["a wrong administration token", async () => "u".repeat(43)],
    ["an expired token", () => tokens.token("admin", { expiresAtSeconds: Math.floor(Date.now() / 1000) - 60 })],
    ["a token for another audience", () => tokens.token("admin", { audience: "elsewhere" })],
    ["a token signed by another key", () => tokens.token("admin", { key: generateKeyPairSync("ed25519").privateKey })],
    ["a role that does not exist", () => tokens.token("superuser")],
  ])("refuses %s", async (_case, make) => {
    const call = clientWith(await make()).cluster.status.query();
    await expect(call).rejects.toMatchObject({ data: { httpStatus: 401 } });
    expect(recorded.calls).toEqual([]);
  });

  it("shows neither detail nor stack of its own faults, and reports them", async () => {
    const response = await fetch(`${server.url}/trpc/cluster.nodes`, {
      headers: { authorization: `Bearer ${adminToken}` },
    });
    const body = await response.text();
    expect(response.status).toBe(500);
    expect(body).not.toContain("secret detail");
    expect(body).not.toContain("stack");
    expect(String(faults[0])).toContain("secret detail");
  });

  it("gives the newest events and where the feed stands, without what the role may not see", async () => {
    for (const each of [fact("h1"), auditFact, fact("h2")]) feed.record(each);
    const recent = await clientWith(await tokens.token("viewer")).cluster.events.query({ limit: 2 });
    expect(recent).toMatchObject({ latest: 3, events: [{ number: 3, host: "h2" }] });
  });

  it("says that it lives", async () => {
    expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ ok: true });
    expect((await fetch(`${server.url}/elsewhere`)).status).toBe(404);
  });
});

describe("live feed", () => {
  it("gives a reader everything after its number, once and in order, and then what happens", async () => {
    for (const host of ["h1", "h2", "h3"]) feed.record(fact(host));
    const late = reader(adminToken, { after: 1 });
    await connected(late.socket);
    feed.record(fact("h4"));
    await vi.waitFor(() => expect(late.hosts()).toEqual(["h2", "h3", "h4"]));
    late.socket.disconnect();
    feed.record(fact("h5"));
    const again = reader(adminToken, { after: 4 });
    await vi.waitFor(() => expect(again.hosts()).toEqual(["h5"]));
  });

  it("replays from the start to a reader that had received nothing before the cut", async () => {
    feed.record(fact("h1"));
    const first = reader(adminToken, { after: 0 });
    await vi.waitFor(() => expect(first.hosts()).toEqual(["h1"]));
  });

  it("gives a new reader only what happens from now on, and counters", async () => {
    feed.record(fact("h1"));
    const fresh = reader(adminToken);
    await vi.waitFor(() => expect(fresh.greetings).toEqual([{ latest: 1, oldest: 1, gap: false }]));
    feed.record(fact("h2"));
    feed.traffic({
      at: new Date().toISOString(),
      edges: [],
      logs: { L1: 0, L2: 0, L3: 0 },
      oldestPendingMs: null,
      requestsPerSecond: 0,
      latencyMs: null,
    });
    await vi.waitFor(() => expect([fresh.hosts(), fresh.counters.length]).toEqual([["h2"], 1]));
  });

  it("says so when events between the reader's number and the oldest kept one are gone", async () => {
    for (let index = 0; index < 60; index += 1) feed.record(fact(`h${index}`));
    const old = reader(adminToken, { after: 3 });
    await vi.waitFor(() => expect(old.greetings).toEqual([{ latest: 60, oldest: 11, gap: true }]));
  });

  it("checks every event against the reader's role", async () => {
    const viewer = reader(await tokens.token("viewer"));
    const auditor = reader(await tokens.token("auditor"));
    await Promise.all([connected(viewer.socket), connected(auditor.socket)]);
    feed.record(auditFact);
    feed.record(fact("h1"));
    await vi.waitFor(() => expect(auditor.hosts()).toEqual(["audit.appended", "h1"]));
    await vi.waitFor(() => expect(viewer.hosts()).toEqual(["h1"]));
  });

  it("refuses a reader without a token, and a browser on another site's page", async () => {
    expect(await refusal(reader("nonsense").socket)).toBe("unauthorized");
    expect(await refusal(reader(adminToken, { origin: "http://evil.example" }).socket)).toBe("origin not allowed");
    await connected(reader(adminToken, { origin }).socket);
  });

  it("ends a socket when its token expires", async () => {
    const token = await tokens.token("viewer", { expiresAtSeconds: Math.floor(Date.now() / 1000) + 1 });
    const { socket } = reader(token);
    await connected(socket);
    await ended(socket);
  });

  it("ends a socket within two seconds of its session's revocation, and no other", async () => {
    const gone = reader(await tokens.token("viewer", { sessionId: "gone" }));
    const stays = reader(await tokens.token("viewer", { sessionId: "stays" }));
    await Promise.all([connected(gone.socket), connected(stays.socket)]);
    const before = performance.now();
    revoked.add("gone");
    await ended(gone.socket);
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(stays.socket.connected).toBe(true);
  });

  it("closes its sockets when the server closes", async () => {
    const { socket } = reader(adminToken);
    await connected(socket);
    const closed = ended(socket);
    await server.close();
    await closed;
    server = { url: server.url, close: async () => {} };
  });
});
