import { afterEach, describe, expect, test } from "vitest";
import { createClient } from "./client.ts";
import { type LoadResult, runLoad } from "./load.ts";
import { reply, startTestService } from "./testing.ts";

const open: { close: () => unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function serviceAndClients(count: number, respond: Parameters<typeof startTestService>[0]) {
  const service = await startTestService(respond);
  const clients = Array.from({ length: count }, (_, index) => createClient({ url: service.url, key: `key-${index}` }));
  open.push(...clients, service);
  return { service, clients };
}

const operation = { operation: "balance", input: {} };

describe("open loop", () => {
  test("starts calls at the wanted rate, uses the clients in turn and reports every outcome", async () => {
    const { service, clients } = await serviceAndClients(2, (_call, response) => reply(response, 200, {}));
    const results: LoadResult<typeof operation>[] = [];
    const summary = await runLoad({
      kind: "open",
      clients,
      ratePerSecond: 100,
      durationMs: 300,
      deadlineMs: 5_000,
      makeOperation: () => operation,
      onResult: (result) => results.push(result),
    });
    expect(summary.started).toBeGreaterThan(20);
    expect(summary.started).toBeLessThanOrEqual(31);
    expect(results).toHaveLength(summary.started);
    expect(summary.statuses).toEqual({ 200: summary.started });
    const keys = new Set(service.calls.map((call) => call.authorization));
    expect(keys).toEqual(new Set(["Bearer key-0", "Bearer key-1"]));
  });

  test("latency counts from the scheduled moment, not from when there was room to send", async () => {
    const { service } = await serviceAndClients(0, (_call, response, number) => {
      if (number === 1) setTimeout(() => reply(response, 200, {}), 250);
      else reply(response, 200, {});
    });
    // One connection: everything behind the slow answer waits for it.
    const single = createClient({ url: service.url, key: "k", connectionsMax: 1 });
    open.unshift(single);
    const summary = await runLoad({
      kind: "open",
      clients: [single],
      ratePerSecond: 50,
      durationMs: 200,
      deadlineMs: 5_000,
      makeOperation: () => operation,
    });
    expect(summary.latencyMs.p50).toBeGreaterThan(50);
  });

  test("moments without anything to ask, and those with too much under way, are passed over", async () => {
    const waiting: (() => void)[] = [];
    const { clients } = await serviceAndClients(1, (_call, response) => waiting.push(() => reply(response, 200, {})));
    const load = runLoad({
      kind: "open",
      clients,
      ratePerSecond: 200,
      durationMs: 200,
      deadlineMs: 5_000,
      underWayMax: 3,
      makeOperation: (index) => (index === 0 ? operation : undefined),
    });
    await expect.poll(() => waiting.length).toBe(1);
    for (const answer of waiting) answer();
    const summary = await load;
    expect(summary.started).toBe(1);
    expect(summary.passedOver).toBeGreaterThan(5);
  });
});

describe("closed loop", () => {
  test("never has more calls under way than callers", async () => {
    let underWay = 0;
    let most = 0;
    const { clients } = await serviceAndClients(1, (_call, response) => {
      most = Math.max(most, ++underWay);
      setImmediate(() => {
        underWay--;
        reply(response, 200, {});
      });
    });
    const summary = await runLoad({
      kind: "closed",
      clients,
      callers: 4,
      durationMs: 200,
      deadlineMs: 5_000,
      makeOperation: () => operation,
    });
    expect(most).toBeLessThanOrEqual(4);
    expect(summary.started).toBeGreaterThan(10);
  });

  test("ends when told to, after what is under way", async () => {
    const { clients } = await serviceAndClients(1, (_call, response) => reply(response, 200, {}));
    const ending = new AbortController();
    const summary = await runLoad({
      kind: "closed",
      clients,
      callers: 2,
      durationMs: 60_000,
      deadlineMs: 5_000,
      makeOperation: () => operation,
      signal: ending.signal,
      onResult: () => ending.abort(),
    });
    expect(summary.started).toBeLessThanOrEqual(4);
    expect(summary.statuses).toEqual({ 200: summary.started });
  });
});
