/**
 * The process that `npm run bench:state` measures: one state replica. Orders are JSON, one a line, on standard input; answers and progress are JSON,
 * one a line, on standard output. The first order says what it is for:
 *
 *   {"do":"open","folder":F,"application":HASH,"objects":N,"grows":BOOL}   opens the replica; without an application's hash it makes a bundle of the bank
 *   {"do":"touch"}                     writes every object once, two in a request
 *   {"do":"transfers","requests":N,"among":M}   transfers between random ones of the first M objects; default: of all
 */
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { AnyMessage, ChangeRecord, RequestId, SlotDecisions } from "@redoubt/shared";
import { bundleApplication } from "../applications/bundle-application.ts";
import { EXECUTION_SERVER, LoadMaker, MASTERS, openingSlots, REGULATOR, TICKET_KEY } from "./load-maker.ts";
import { type MeasuredReplica, openMeasuredReplica } from "./measured-replica.ts";

const BATCH_REQUESTS = 64;
/** Batches that are not decided: fewer changes than a member takes in undecided. */
const UNDECIDED_BATCHES_MAX = 16;
/** The slot of the last opening decision. */
const FIRST_SLOT = openingSlots().length;
const PENDING_BYTES_MAX = 16 * 1024 * 1024;
const PROGRESS_MS = 2_000;
const AGAIN_MS = 1_000;
const BANK = fileURLToPath(new URL("../../../../examples/bank", import.meta.url));

const say = (answer: Readonly<Record<string, unknown>>): void =>
  void process.stdout.write(`${JSON.stringify(answer)}\n`);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Run {
  readonly replica: MeasuredReplica;
  readonly maker: LoadMaker;
  readonly objects: number;
  slot: number;
  requests: number;
  /** Batches sent. */
  batches: number;
}

/** Requests that come together, are decided in one slot once the replica has answered for all of them. */
interface Batch {
  left: number;
  readonly slot: SlotDecisions;
}

interface Unanswered {
  readonly batch: Batch;
  readonly record: ChangeRecord;
}

/** Unanswered requests by id in the order they were sent, and batches that are not decided yet. */
const waiting = { requests: new Map<RequestId, Unanswered>(), batches: [] as Batch[], answeredAt: 0 };

function take(message: AnyMessage): void {
  if (message.kind === "refused") throw new Error(`the replica refused a change: ${message.reason}`);
  if (message.kind !== "answer") return;
  const unanswered = waiting.requests.get(message.requestId);
  if (unanswered === undefined) return;
  waiting.requests.delete(message.requestId);
  waiting.answeredAt = performance.now();
  unanswered.batch.left -= 1;
}

async function open(
  folder: string,
  applicationHash: string | undefined,
  objects: number,
  grows: boolean,
): Promise<Run> {
  const hash = applicationHash ?? (await bundle(folder));
  const replica = await openMeasuredReplica(folder, hash, take);
  const { hasher, application, applicationVersion, driver, started } = replica;
  const clusterOf = (object: string): number => application.clusterOf(object) ?? 0;
  const run = {
    replica,
    maker: new LoadMaker(hasher, "state-replica-1", applicationVersion, clusterOf),
    objects,
    slot: 0,
    requests: 0,
    batches: 0,
  };
  if (grows) {
    const from = { component: "traffic-regulator", server: REGULATOR } as const;
    driver.input({ kind: "message", from, message: { kind: "ticketKey", regulatorEpoch: 1, key: TICKET_KEY } });
    decide(run, openingSlots());
  }
  const cpu = process.cpuUsage();
  const cpuMicroseconds = cpu.user + cpu.system;
  say({ is: "open", application: hash, ...started, cpuMicroseconds, rssBytes: process.memoryUsage.rss() });
  return run;
}

async function bundle(folder: string): Promise<string> {
  const bundled = await bundleApplication(BANK, join(folder, "application"));
  if (!bundled.ok) throw new Error("the bank's application is not in order");
  return bundled.value.hash;
}

function decide(run: Run, slots: readonly SlotDecisions[]): void {
  const after = run.slot;
  run.slot = slots.at(-1)?.slot ?? after;
  const [primary] = MASTERS;
  const message = { kind: "stream", after, through: run.slot, slots, primary } as const;
  run.replica.driver.input({ kind: "message", from: { component: "state-master", server: primary }, message });
}

/** Sends a batch of changes as the execution server does. */
function send(run: Run, made: readonly ReturnType<LoadMaker["transfer"]>[]): void {
  run.batches += 1;
  const slot = { slot: FIRST_SLOT + run.batches, at: 0, decisions: made.map(({ verified }) => verified) };
  const batch = { left: made.length, slot };
  waiting.batches.push(batch);
  for (const { record } of made) {
    waiting.requests.set(record.ticket.body.requestId, { batch, record });
    sendChange(run, record);
  }
}

function sendChange(run: Run, record: ChangeRecord): void {
  const from = { component: "execution-server", server: EXECUTION_SERVER } as const;
  run.replica.driver.input({ kind: "message", from, message: { kind: "change", record } });
}

function decideAnswered(run: Run): void {
  // A member may let go of a change that waits for another one for long; the execution server sends it again.
  if (waiting.requests.size > 0 && performance.now() - waiting.answeredAt > AGAIN_MS) {
    waiting.answeredAt = performance.now();
    for (const { record } of [...waiting.requests.values()]) sendChange(run, record);
  }
  const slots: SlotDecisions[] = [];
  while (waiting.batches[0]?.left === 0) slots.push((waiting.batches.shift() as Batch).slot);
  if (slots.length > 0) decide(run, slots);
}

/** Feeds requests between the pairs of accounts that `next` names; all are durable and decided when it is done. */
async function feed(run: Run, requests: number, next: (index: number) => readonly [number, number]): Promise<void> {
  const { journal } = run.replica;
  const startedAt = performance.now();
  const cpuAtStart = process.cpuUsage();
  let [makingMs, makingCpu, saidAt] = [0, 0, startedAt];
  for (let done = 0; done < requests; ) {
    const [madeFrom, cpuFrom] = [performance.now(), process.cpuUsage()];
    const count = Math.min(BATCH_REQUESTS, requests - done);
    const made = Array.from({ length: count }, (_, index) => run.maker.transfer(...next(done + index)));
    const madeCpu = process.cpuUsage(cpuFrom);
    makingMs += performance.now() - madeFrom;
    makingCpu += madeCpu.user + madeCpu.system;
    send(run, made);
    done += count;
    do {
      await turn();
      decideAnswered(run);
    } while (journal.pendingBytes > PENDING_BYTES_MAX || waiting.batches.length > UNDECIDED_BATCHES_MAX);
    if (performance.now() - saidAt > PROGRESS_MS) {
      saidAt = performance.now();
      say({ is: "progress", requests: done, of: requests, rssBytes: process.memoryUsage.rss() });
    }
  }
  while (waiting.batches.length > 0) {
    await turn();
    decideAnswered(run);
  }
  run.requests += requests;
  const cpu = process.cpuUsage(cpuAtStart);
  say({
    is: "fed",
    requests,
    ms: performance.now() - startedAt - makingMs,
    cpuMicroseconds: cpu.user + cpu.system - makingCpu,
    rssBytes: process.memoryUsage.rss(),
    ...journal.statistics,
  });
}

interface Order {
  readonly do: "open" | "touch" | "transfers";
  readonly folder?: string;
  readonly application?: string;
  readonly objects?: number;
  readonly grows?: boolean;
  readonly requests?: number;
  readonly among?: number;
}

let run: Run | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  if (order.do === "open") {
    run = await open(order.folder ?? "", order.application, order.objects ?? 0, order.grows ?? false);
    continue;
  }
  if (run === undefined) throw new Error("expected an order to open first");
  const { objects } = run;
  if (order.do === "touch") {
    await feed(run, Math.floor(objects / 2), (index) => [2 * index + 1, 2 * index + 2]);
  } else {
    const among = Math.min(order.among ?? objects, objects);
    await feed(run, order.requests ?? 0, () => {
      const one = Math.floor(Math.random() * among);
      const other = (one + 1 + Math.floor(Math.random() * (among - 1))) % among;
      return [one + 1, other + 1];
    });
  }
}
process.exit(0);
