import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FeedFact } from "@redoubt/shared";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitUntil } from "../adapters/testing/wait.ts";
import type { Actor } from "../administration/index.ts";
import { retryDelayMs } from "./alert-deliverer.ts";
import { Alerts } from "./alerts.ts";
import { DATABASE_START_MS, quietLog, startTestDatabase, type TestDatabase } from "./testing/manager-database.ts";

let manager: TestDatabase;
let alerts: Alerts;
let receiver: Server;
let url: string;
let status = 200;
/** What the receiver got, oldest first. */
let received: {
  purpose: string;
  code?: string;
  signingKey?: string;
  event?: { kind: string };
  subscriptionId: string;
}[] = [];

const ada: Actor = { name: "ada@example.org", role: "admin", via: "console" };

beforeAll(async () => {
  manager = await startTestDatabase();
  receiver = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString("utf8");
    });
    request.on("end", () => {
      received.push(JSON.parse(body));
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", () => resolve()));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  alerts = newAlerts();
  const opening = await manager.database.readOpening();
  manager.feed.open(opening);
  await alerts.open(opening);
}, DATABASE_START_MS);

afterAll(async () => {
  alerts.close();
  receiver.closeAllConnections();
  receiver.close();
  await manager.stop();
}, DATABASE_START_MS);

const newAlerts = (): Alerts =>
  new Alerts({
    database: manager.database,
    feed: manager.feed,
    log: quietLog,
    clusterName: "test",
    consoleUrl: "http://127.0.0.1:1",
    secretsFolder: manager.folder,
    webhookKey: "a key of the cluster",
  });

const fact = (severity: "info" | "critical", node: string): FeedFact => ({
  kind: "node.state",
  severity,
  node,
  from: "up",
  to: "down",
  cause: "test",
});

const subscribe = (address: string, minimumSeverity: "info" | "critical") =>
  alerts.add({ channel: "webhook", address, minimumSeverity, kinds: ["node.state"] }, ada);

const receivedFor = (subscriptionId: string) => received.filter((one) => one.subscriptionId === subscriptionId);

test("an address gets nothing but its code until the code came back, and then what it asked for", async () => {
  const { subscriptionId, state } = await subscribe(url, "critical");
  expect(state).toBe("unverified");
  await waitUntil(() => receivedFor(subscriptionId).length === 1, "the code");
  await manager.feed.record(fact("critical", "before"));
  const { code = "", signingKey } = receivedFor(subscriptionId)[0] ?? {};
  expect(signingKey).toBeTypeOf("string");
  await expect(alerts.verify({ subscriptionId, code: code === "000000" ? "000001" : "000000" })).rejects.toThrow(
    "not the code",
  );
  expect((await alerts.verify({ subscriptionId, code })).state).toBe("active");
  await manager.feed.record(fact("info", "too small"), fact("critical", "wanted"));
  await waitUntil(() => receivedFor(subscriptionId).length === 2, "the alert");
  expect(receivedFor(subscriptionId)[1]).toMatchObject({ purpose: "event", event: { node: "wanted" } });
  await alerts.remove(subscriptionId);
});

test("what cannot be delivered is kept, said to be delayed, and tried again later", async () => {
  status = 503;
  const { subscriptionId } = await subscribe(url, "info");
  const delivery = async () =>
    (await alerts.deliveries(ada.name, 10)).find((one) => one.subscriptionId === subscriptionId);
  await waitUntil(async () => (await delivery())?.state === "delayed", "the first attempt");
  const found = await delivery();
  expect(found?.attempts).toMatchObject([{ ok: false, reply: expect.stringContaining("503") }]);
  expect(Date.parse(found?.nextAttemptAt ?? "")).toBeGreaterThan(Date.now());
  status = 200;
  await alerts.remove(subscriptionId);
});

test("an address that is gone is flagged and gets nothing more", async () => {
  status = 410;
  const { subscriptionId } = await subscribe(url, "info");
  const state = async () => (await alerts.list(ada.name)).find((one) => one.subscriptionId === subscriptionId)?.state;
  await waitUntil(async () => (await state()) === "flagged", "the flag");
  status = 200;
  await alerts.remove(subscriptionId);
});

test("events that came while the manager was away are alerted when it is back, each once", async () => {
  const { subscriptionId } = await subscribe(url, "critical");
  await waitUntil(() => receivedFor(subscriptionId).length === 1, "the code");
  await alerts.verify({ subscriptionId, code: receivedFor(subscriptionId)[0]?.code ?? "" });
  await manager.feed.record(fact("critical", "first"));
  await waitUntil(() => receivedFor(subscriptionId).length === 2, "the first alert");
  alerts.close();
  await manager.feed.record(fact("critical", "meanwhile"));
  alerts = newAlerts();
  await alerts.open(await manager.database.readOpening());
  await waitUntil(() => receivedFor(subscriptionId).length === 3, "the second alert");
  expect(receivedFor(subscriptionId).map(({ event }) => (event as { node?: string } | undefined)?.node)).toEqual([
    undefined,
    "first",
    "meanwhile",
  ]);
  received = [];
});

test("attempts are spread over minutes, never more often than every five seconds", () => {
  expect([1, 2, 3, 20].map(retryDelayMs)).toEqual([5_000, 10_000, 20_000, 900_000]);
});
