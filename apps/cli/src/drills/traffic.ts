/**
 * The clients of a drill: they learn the first balances while the cluster is well, then ask at a steady rate and judge
 * every answer against what they know.
 */
import { type Client, createClient, runLoad } from "@redoubt/client";
import type { Administration } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import { customersOf, type Drill } from "./catalogue.ts";
import { type Customer, conclude, judge, type Lane, nextOperation, readStatement } from "./lanes.ts";
import type { SeenRequest } from "./report.ts";
import { until } from "./watch.ts";

const RATE_PER_SECOND = 50;
/** A request is repeated with the same key for so long before it counts as not answered. */
const REQUEST_DEADLINE_MS = 15_000;
const KEY_KNOWN_LIMIT_MS = 5_000;
const FOREVER_MS = 3_600_000;

export interface DrillTraffic {
  readonly seen: readonly SeenRequest[];
  /** Resolves once `count` more requests have been answered rightly, false when that takes longer. */
  readonly answered: (count: number, limitMs: number) => Promise<boolean>;
  /** Ends the load, awaits what is under way and compares the balances; resolves with everything seen. */
  readonly finish: () => Promise<readonly SeenRequest[]>;
}

/** Runs `work` with a client of its own, which is revoked afterwards. */
export async function withDrillClient<Value>(
  administration: Administration,
  drill: Drill,
  work: (client: Client) => Promise<Value>,
): Promise<Value> {
  const name = `drill-${drill.name.toLowerCase()}-${Date.now().toString(36)}`;
  const { clientUrl } = await administration.cluster.settings.query();
  const { key } = await administration.clients.add.mutate({ client: name, roles: [] });
  const client = createClient({ url: clientUrl, key });
  try {
    return await work(client);
  } finally {
    client.close();
    await administration.clients.revoke.mutate({ client: name });
  }
}

export async function startTraffic(client: Client, drill: Drill): Promise<DrillTraffic> {
  const lanes = await openLanes(client, drill);
  const seen: SeenRequest[] = [];
  const ending = new AbortController();
  let next = 0;
  const load = runLoad({
    kind: "open",
    clients: [client],
    ratePerSecond: RATE_PER_SECOND,
    durationMs: FOREVER_MS,
    deadlineMs: REQUEST_DEADLINE_MS,
    signal: ending.signal,
    makeOperation() {
      for (let tried = 0; tried < lanes.length; tried++) {
        const lane = lanes[next++ % lanes.length];
        if (lane?.state !== "idle") continue;
        lane.state = "waiting";
        return nextOperation(lane, drill.operations);
      }
      return undefined;
    },
    onResult({ operation, outcome, startedAt, latencyMs }) {
      const judgement = judge(operation, outcome);
      conclude(operation, judgement);
      const requestId = outcome.kind === "answer" ? outcome.requestId : undefined;
      seen.push({ requestId, startedAt, answeredAt: startedAt + latencyMs, judgement });
    },
  });
  const countRight = (): number => seen.filter(({ judgement }) => judgement === "right").length;
  return {
    seen,
    async answered(count, limitMs) {
      const wanted = countRight() + count;
      return (await until(limitMs, async () => (countRight() >= wanted ? true : undefined))) ?? false;
    },
    async finish() {
      ending.abort();
      await load;
      await compareBalances(client, lanes, seen);
      return seen;
    },
  };
}

/** Balances and holders while all is well. Fails when this application is no bank. */
async function openLanes(client: Client, drill: Drill): Promise<Lane[]> {
  const pairs = customersOf(drill);
  await until(KEY_KNOWN_LIMIT_MS, async () => {
    const outcome = await client.call("balance", { customer: 1 }, { deadlineMs: KEY_KNOWN_LIMIT_MS });
    return outcome.kind === "answer" && outcome.status !== 401 ? true : undefined;
  });
  return Promise.all(
    pairs.map(async (pair) => ({
      first: await readCustomer(client, pair.first),
      second: await readCustomer(client, pair.second),
      asked: 0,
      state: "idle" as const,
    })),
  );
}

async function readCustomer(client: Client, customer: number): Promise<Customer> {
  const outcome = await client.call("statement", { customer }, { deadlineMs: REQUEST_DEADLINE_MS });
  const read = outcome.kind === "answer" && outcome.status === 200 ? readStatement(outcome.body) : undefined;
  if (read !== undefined) return read;
  const got = outcome.kind === "answer" ? `${outcome.status} ${outcome.bodyText.slice(0, 200)}` : outcome.reason;
  throw new CommandFailure(
    `statement of customer ${customer}: a reply of examples/bank expected before the drill, got ${got}; drills need the bank, undisturbed in the customers of its drills`,
  );
}

/** A change that was never asked for shows here at the latest. */
async function compareBalances(client: Client, lanes: readonly Lane[], seen: SeenRequest[]): Promise<void> {
  const sound = lanes.filter(({ state }) => state !== "ended");
  await Promise.all(
    sound
      .flatMap((lane) => [lane.first, lane.second].map((expected) => ({ lane, expected })))
      .map(async ({ lane, expected: { customer } }) => {
        const operation = {
          lane,
          operation: "balance" as const,
          input: { customer },
          after: { first: lane.first, second: lane.second },
        };
        const startedAt = Date.now();
        const outcome = await client.call("balance", { customer }, { deadlineMs: REQUEST_DEADLINE_MS });
        const requestId = outcome.kind === "answer" ? outcome.requestId : undefined;
        const answeredAt = startedAt + outcome.latencyMs;
        seen.push({ requestId, startedAt, answeredAt, judgement: judge(operation, outcome) });
      }),
  );
}
