/**
 * The clients of a drill, and the bystanders of all of them: they learn the first balances while the cluster is well, then ask
 * at a steady rate and judge every answer against what they know.
 */
import { type Client, createClient, type Outcome, runLoad } from "@redoubt/client";
import { z } from "zod";
import type { CustomerPair, LaneOperationName } from "./catalogue.ts";
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
import type { Turns } from "./turns.ts";

/** A request is repeated with the same key for so long before it counts as not answered. */
const REQUEST_DEADLINE_MS = 30_000;
const KEY_KNOWN_LIMIT_MS = 5_000;
const FOREVER_MS = 3_600_000;
const REST_LIMIT_MS = 3_000;

const addedSchema = z.object({ key: z.string() });

export interface DrillTraffic {
  /** Resolves once `count` more requests have been answered rightly; false when that takes longer. */
  readonly answered: (count: number, limitMs: number) => Promise<boolean>;
  /** Asks nothing more until {@link resume}; resolves when nothing is under way, or after a while. */
  readonly rest: () => Promise<void>;
  readonly resume: () => void;
  /** Everything answered until now. */
  readonly seen: readonly SeenRequest[];
  /** Ends the load, awaits what is under way and compares the balances; resolves with everything seen. */
  readonly finish: () => Promise<readonly SeenRequest[]>;
  /** Ends the load, whatever became of it. */
  readonly end: () => Promise<void>;
}

export interface TrafficPlan {
  readonly customers: readonly CustomerPair[];
  readonly operations: readonly LaneOperationName[];
  readonly ratePerSecond: number;
  /** Reads the first balances in such a turn; at once when there is none. */
  readonly reading?: Turns;
}

/** Runs `work` with clients of its own, which are revoked afterwards. */
export async function withClients<Value>(
  channel: ManagerChannel,
  clientUrl: string,
  names: readonly string[],
  work: (clients: readonly Client[]) => Promise<Value>,
): Promise<Value> {
  const suffix = Date.now().toString(36);
  const added = names.map((name) => `${name}-${suffix}`);
  const clients: Client[] = [];
  try {
    for (const client of added) {
      const { key } = addedSchema.parse(await channel.order({ kind: "addClient", client, roles: [] }));
      clients.push(createClient({ url: clientUrl, key }));
    }
    return await work(clients);
  } finally {
    for (const client of clients) client.close();
    for (const client of added) await channel.order({ kind: "revokeClient", client });
  }
}

/** Runs `work` under load, which ends with it. */
export async function withTraffic<Value>(
  clients: readonly Client[],
  plan: TrafficPlan,
  work: (traffic: DrillTraffic) => Promise<Value>,
): Promise<Value> {
  const traffic = await startTraffic(clients, plan);
  try {
    return await work(traffic);
  } finally {
    await traffic.end();
  }
}

async function startTraffic(clients: readonly Client[], plan: TrafficPlan): Promise<DrillTraffic> {
  const [client] = clients;
  if (client === undefined) throw new RangeError("clients is empty, expected at least one");
  const open = () => openLanes(clients, client, plan.customers);
  const lanes = await (plan.reading?.take(open) ?? open());
  const seen: SeenRequest[] = [];
  const ending = new AbortController();
  let isResting = false;
  const takeIn = (operation: LaneOperation, outcome: Outcome, startedAt: number, latencyMs: number): void => {
    const judgement = judge(operation, outcome);
    conclude(operation, judgement);
    const requestId = outcome.kind === "answer" ? outcome.requestId : undefined;
    seen.push({ requestId, startedAt, answeredAt: startedAt + latencyMs, judgement });
    if (judgement !== "right") tellUnexpected(operation, outcome);
  };
  const load = runLoad({
    kind: "open",
    clients,
    ratePerSecond: plan.ratePerSecond,
    durationMs: FOREVER_MS,
    deadlineMs: REQUEST_DEADLINE_MS,
    signal: ending.signal,
    makeOperation: (index) => (isResting ? undefined : takeIdle(lanes, index, plan.operations)),
    onResult: ({ operation, outcome, startedAt, latencyMs }) => takeIn(operation, outcome, startedAt, latencyMs),
  });
  const countRight = (): number => seen.filter(({ judgement }) => judgement === "right").length;
  return {
    seen,
    async rest() {
      isResting = true;
      await until(REST_LIMIT_MS, () => (lanes.some(({ state }) => state === "waiting") ? undefined : true));
    },
    resume() {
      isResting = false;
    },
    async answered(count, limitMs) {
      const wanted = countRight() + count;
      return (await until(limitMs, () => (countRight() >= wanted ? true : undefined))) ?? false;
    },
    async end() {
      ending.abort();
      await load;
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
function takeIdle(
  lanes: readonly Lane[],
  index: number,
  operations: readonly LaneOperationName[],
): LaneOperation | undefined {
  for (let tried = 0; tried < lanes.length; tried++) {
    const lane = lanes[(index + tried) % lanes.length];
    if (lane?.state !== "idle") continue;
    lane.state = "waiting";
    return nextOperation(lane, operations);
  }
  return undefined;
}

/** For whoever reads the manager's log after a failed drill. */
function tellUnexpected({ operation, input }: LaneOperation, outcome: Outcome): void {
  const got = outcome.kind === "answer" ? `${outcome.status} ${outcome.bodyText.slice(0, 300)}` : outcome.reason;
  process.stderr.write(`drill: ${operation} ${JSON.stringify(input)} was answered ${got}\n`);
}

/** Balances and holders while all is well. Fails when this application is no bank. */
async function openLanes(
  clients: readonly Client[],
  first: Client,
  customers: readonly CustomerPair[],
): Promise<Lane[]> {
  for (const client of clients)
    await until(KEY_KNOWN_LIMIT_MS, async () => {
      const outcome = await client.call("balance", { customer: 1 }, { deadlineMs: KEY_KNOWN_LIMIT_MS });
      return outcome.kind === "answer" && outcome.status !== 401 ? true : undefined;
    });
  return Promise.all(
    customers.map(async (pair) => ({
      first: await readCustomer(first, pair.first),
      second: await readCustomer(first, pair.second),
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
