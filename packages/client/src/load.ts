/**
 * A load generator. Open loop: calls start on a fixed schedule, whatever the answers do, and latency counts from the
 * scheduled moment, so a stall of the service shows in full. Closed loop: so many callers, each waiting for its answer.
 *
 * It never judges an answer; `onResult` gets every one.
 */
import type { Client, Outcome } from "./client.ts";

export interface LoadOperation {
  readonly operation: string;
  readonly input: unknown;
  readonly idempotencyKey?: string;
}

export interface LoadResult<Operation extends LoadOperation> {
  readonly operation: Operation;
  readonly outcome: Outcome;
  /** When it was to start, milliseconds since 1970. */
  readonly startedAt: number;
  /** From then to the outcome, milliseconds. */
  readonly latencyMs: number;
}

interface CommonLoad<Operation extends LoadOperation> {
  /** Used in turn. */
  readonly clients: readonly Client[];
  readonly durationMs: number;
  /** Total time for one call with its repetitions, milliseconds. */
  readonly deadlineMs: number;
  /** Operation number `index`, from 0; undefined = nothing can be asked now. */
  readonly makeOperation: (index: number) => Operation | undefined;
  readonly onResult?: (result: LoadResult<Operation>) => void;
  /** Ends the load early; what is under way is awaited. */
  readonly signal?: AbortSignal;
}

export type LoadOptions<Operation extends LoadOperation> = CommonLoad<Operation> &
  (
    | { readonly kind: "open"; readonly ratePerSecond: number; readonly underWayMax?: number }
    | { readonly kind: "closed"; readonly callers: number }
  );

export interface LoadSummary {
  readonly started: number;
  /** Moments at which nothing could be asked, or too much was under way. */
  readonly passedOver: number;
  readonly unanswered: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Calls that took more than one attempt. */
  readonly repeated: number;
  /** Milliseconds; 0 when nothing was started. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly elapsedMs: number;
}

const UNDER_WAY_MAX = 4_096;

/** Resolves when every call that was started has its outcome. */
export async function runLoad<Operation extends LoadOperation>(options: LoadOptions<Operation>): Promise<LoadSummary> {
  const [first] = options.clients;
  if (first === undefined) throw new RangeError("clients is empty, expected at least one");
  const tally = new Tally();
  const startedAt = performance.now();
  let index = 0;

  const callOnce = async (scheduledAt: number): Promise<void> => {
    const operation = options.makeOperation(index);
    if (operation === undefined) {
      tally.passedOver++;
      return;
    }
    const client = options.clients[index++ % options.clients.length] ?? first;
    tally.started++;
    const wallMs = Date.now() - (performance.now() - scheduledAt);
    const { idempotencyKey } = operation;
    const outcome = await client.call(operation.operation, operation.input, {
      deadlineMs: options.deadlineMs,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    const result = { operation, outcome, startedAt: wallMs, latencyMs: performance.now() - scheduledAt };
    tally.add(outcome, result.latencyMs);
    options.onResult?.(result);
  };

  const isOver = (): boolean => options.signal?.aborted === true || performance.now() - startedAt >= options.durationMs;
  if (options.kind === "open") await keepSchedule(options, startedAt, isOver, tally, callOnce);
  else await keepCalling(options.callers, isOver, tally, callOnce);
  return tally.summary(performance.now() - startedAt);
}

async function keepSchedule(
  options: { readonly ratePerSecond: number; readonly underWayMax?: number },
  startedAt: number,
  isOver: () => boolean,
  tally: Tally,
  callOnce: (scheduledAt: number) => Promise<void>,
): Promise<void> {
  const { ratePerSecond, underWayMax = UNDER_WAY_MAX } = options;
  if (!(ratePerSecond > 0)) throw new RangeError(`ratePerSecond is ${ratePerSecond}, expected more than 0`);
  const underWay = new Set<Promise<void>>();
  for (let tick = 0; !isOver(); tick++) {
    const scheduledAt = startedAt + (tick * 1_000) / ratePerSecond;
    const waitMs = scheduledAt - performance.now();
    if (waitMs > 0) await pause(waitMs);
    if (isOver()) break;
    if (underWay.size >= underWayMax) {
      tally.passedOver++;
      continue;
    }
    const call = callOnce(scheduledAt).finally(() => underWay.delete(call));
    underWay.add(call);
  }
  await Promise.all(underWay);
}

const NOTHING_TO_ASK_PAUSE_MS = 5;

async function keepCalling(
  callers: number,
  isOver: () => boolean,
  tally: Tally,
  callOnce: (scheduledAt: number) => Promise<void>,
): Promise<void> {
  if (!Number.isInteger(callers) || callers < 1) throw new RangeError(`callers is ${callers}, expected 1 or more`);
  const caller = async (): Promise<void> => {
    while (!isOver()) {
      const passedOver = tally.passedOver;
      await callOnce(performance.now());
      if (tally.passedOver > passedOver) await pause(NOTHING_TO_ASK_PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

const pause = (durationMs: number): Promise<void> => new Promise((resume) => setTimeout(resume, durationMs));

class Tally {
  started = 0;
  passedOver = 0;
  #unanswered = 0;
  #repeated = 0;
  readonly #statuses: Record<string, number> = {};
  readonly #latencies: number[] = [];

  add(outcome: Outcome, latencyMs: number): void {
    if (outcome.attempts > 1) this.#repeated++;
    if (outcome.kind === "answer") this.#statuses[outcome.status] = (this.#statuses[outcome.status] ?? 0) + 1;
    else this.#unanswered++;
    this.#latencies.push(latencyMs);
  }

  summary(elapsedMs: number): LoadSummary {
    const sorted = this.#latencies.sort((left, right) => left - right);
    return {
      started: this.started,
      passedOver: this.passedOver,
      unanswered: this.#unanswered,
      statuses: this.#statuses,
      repeated: this.#repeated,
      latencyMs: { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? 0 },
      elapsedMs,
    };
  }
}

/** Of ascending numbers; 0 when there are none. */
export const quantile = (ascending: readonly number[], share: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? 0;
