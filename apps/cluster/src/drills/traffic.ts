/**
 * The clients of a drill: they learn the first balances while the cluster is well, then ask at a steady rate and judge
 * every answer against what they know.
 */
import { type Client, createClient, type Outcome, runLoad } from "@redoubt/client";
import { z } from "zod";
import { customersOf, type Drill } from "./catalogue.ts";
import { type ManagerChannel, until } from "./channel.ts";
import {
  type Customer,
  conclude,
  judge,
  type Lane,
  type LaneOperation,
  nextOperation,
  readStatement,
} from "./lanes.ts";
import type { SeenRequest } from "./report.ts";

const RATE_PER_SECOND = 50;
/** A request is repeated with the same key for so long before it counts as not answered. */
const REQUEST_DEADLINE_MS = 15_000;
const KEY_KNOWN_LIMIT_MS = 5_000;
const FOREVER_MS = 3_600_000;

const addedSchema = z.object({ key: z.string() });

export interface DrillTraffic {
  /** Resolves once `count` more requests have been answered rightly; false when that takes longer. */
  readonly answered: (count: number, limitMs: number) => Promise<boolean>;
  /** Ends the load, awaits what is under way and compares the balances; resolves with everything seen. */
  readonly finish: () => Promise<readonly SeenRequest[]>;
}

/** Runs `work` with a client of its own, which is revoked afterwards. */
export async function withDrillClient<Value>(
  channel: ManagerChannel,
  clientUrl: string,
  drill: Drill,
  work: (client: Client) => Promise<Value>,
): Promise<Value> {
  const name = `drill-${drill.name.toLowerCase()}-${Date.now().toString(36)}`;
  const { key } = addedSchema.parse(await channel.order({ kind: "addClient", client: name, roles: [] }));
  const client = createClient({ url: clientUrl, key });
  try {
    return await work(client);
  } finally {
    client.close();
    await channel.order({ kind: "revokeClient", client: name });
  }
}

export async function startTraffic(client: Client, drill: Drill): Promise<DrillTraffic> {
  const lanes = await openLanes(client, drill);
  const seen: SeenRequest[] = [];
  const ending = new AbortController();
  const takeIn = (operation: LaneOperation, outcome: Outcome, startedAt: number, latencyMs: number): void => {
    const judgement = judge(operation, outcome);
    conclude(operation, judgement);
    const requestId = outcome.kind === "answer" ? outcome.requestId : undefined;
    seen.push({ requestId, startedAt, answeredAt: startedAt + latencyMs, judgement });
    if (judgement !== "right") tellUnexpected(operation, outcome);
  };
  const load = runLoad({
    kind: "open",
    clients: [client],
    ratePerSecond: RATE_PER_SECOND,
    durationMs: FOREVER_MS,
    deadlineMs: REQUEST_DEADLINE_MS,
    signal: ending.signal,
    makeOperation: (index) => takeIdle(lanes, index, drill),
    onResult: ({ operation, outcome, startedAt, latencyMs }) => takeIn(operation, outcome, startedAt, latencyMs),
  });
  const countRight = (): number => seen.filter(({ judgement }) => judgement === "right").length;
  return {
    async answered(count, limitMs) {
      const wanted = countRight() + count;
      return (await until(limitMs, () => (countRight() >= wanted ? true : undefined))) ?? false;
    },
    async finish() {
      ending.abort();
      await load;
      await compareBalances(client, lanes, takeIn);
      return seen;
    },
  };
}

/** The next idle lane's next request. */
function takeIdle(lanes: readonly Lane[], index: number, drill: Drill): LaneOperation | undefined {
  for (let tried = 0; tried < lanes.length; tried++) {
    const lane = lanes[(index + tried) % lanes.length];
    if (lane?.state !== "idle") continue;
    lane.state = "waiting";
    return nextOperation(lane, drill.operations);
  }
  return undefined;
}

/** For whoever reads the manager's log after a failed drill. */
function tellUnexpected({ operation, input }: LaneOperation, outcome: Outcome): void {
  const got = outcome.kind === "answer" ? `${outcome.status} ${outcome.bodyText.slice(0, 300)}` : outcome.reason;
  process.stderr.write(`drill: ${operation} ${JSON.stringify(input)} was answered ${got}\n`);
}

/** Balances and holders while all is well. Fails when this application is no bank. */
async function openLanes(client: Client, drill: Drill): Promise<Lane[]> {
  await until(KEY_KNOWN_LIMIT_MS, async () => {
    const outcome = await client.call("balance", { customer: 1 }, { deadlineMs: KEY_KNOWN_LIMIT_MS });
    return outcome.kind === "answer" && outcome.status !== 401 ? true : undefined;
  });
  return Promise.all(
    customersOf(drill).map(async (pair) => ({
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
  throw new Error(`before the drill, statement of customer ${customer}: a reply of examples/bank expected, got ${got}`);
}

/** A change that was never asked for shows here at the latest. */
async function compareBalances(
  client: Client,
  lanes: readonly Lane[],
  takeIn: (operation: LaneOperation, outcome: Outcome, startedAt: number, latencyMs: number) => void,
): Promise<void> {
  const sound = lanes.filter(({ state }) => state !== "ended");
  const expected = sound.flatMap((lane) => [lane.first, lane.second].map(({ customer }) => ({ lane, customer })));
  await Promise.all(
    expected.map(async ({ lane, customer }) => {
      const after = { first: lane.first, second: lane.second };
      const startedAt = Date.now();
      const outcome = await client.call("balance", { customer }, { deadlineMs: REQUEST_DEADLINE_MS });
      takeIn({ lane, operation: "balance", input: { customer }, after }, outcome, startedAt, outcome.latencyMs);
    }),
  );
}
