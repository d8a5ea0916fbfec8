/**
 * Taking in dispatches and shadow runs, and their ends. An honest server makes at most one change for a ticket, ever:
 * two would convict it (PROTOCOL §10); so a dispatch that comes again only repeats what became of the first.
 */
import {
  type DispatchMessage,
  type ExecutionFailedMessage,
  ok,
  type Result,
  type ServerName,
  type ShadowRunMessage,
} from "@redoubt/shared";
import type { DeclaredAccess } from "../application-port.ts";
import { send } from "../core.ts";
import { digestInput } from "../digests.ts";
import { type Engine, type Execution, handledKey, type Turn } from "./engine.ts";
import { proceed } from "./fetching.ts";
import { sendShadowResult } from "./shadow.ts";

const HANDLED_MAX = 32_768;
const ACTIVE_MAX = 8_192;
const DETAIL_MAX = 2_000;
/**
 * Clocks of two hosts may be apart by so much. A ticket's time is the regulator's: judged by a clock that is ahead of it, every
 * ticket would have expired, and the regulator would take one honest server after the other for a bad one.
 */
const CLOCKS_APART_MS = 3 * 3_600_000;

export type FailureReason = ExecutionFailedMessage["reason"];

export function receiveDispatch(engine: Engine, turn: Turn, from: ServerName, message: DispatchMessage): void {
  engine.regulator = from;
  const { ticket, input, disposable } = message;
  const known = engine.handled.get(handledKey({ ticket, shadow: undefined }));
  if (!known) take(engine, turn, { ticket, input, disposable, shadow: undefined });
  else if (known.kind === "sent") engine.outgoing.sendAgain(turn, ticket.body.requestId, ticket.body.attempt);
  else if (known.kind === "executionFailed") turn.effects.push(send("traffic-regulator", from, known));
}

export function receiveShadowRun(engine: Engine, turn: Turn, from: ServerName, message: ShadowRunMessage): void {
  engine.regulator = from;
  const { run, ticket, input, reads } = message;
  const shadow = { run, at: new Map(reads.filter((read) => read.number > 0).map((read) => [read.object, read])) };
  const known = engine.handled.get(handledKey({ ticket, shadow }));
  const result = engine.shadowResults.get(run);
  if (result) sendShadowResult(turn, run, result);
  else if (known?.kind === "executionFailed") turn.effects.push(send("traffic-regulator", from, known));
  else if (!known) take(engine, turn, { ticket, input, disposable: true, shadow });
}

type Order = Pick<Execution, "ticket" | "input" | "disposable" | "shadow">;

function take(engine: Engine, turn: Turn, order: Order): void {
  const { body } = order.ticket;
  const application = engine.applications.of(body.applicationVersion);
  const access: Result<readonly DeclaredAccess[], string> = application
    ? application.evaluateAccess(body.operation, order.input)
    : ok([]);
  const declared = access.ok ? access.value : [];
  const execution: Execution = {
    ...order,
    declared,
    objects: declared.map((entry) => entry.object),
    running: undefined,
    snapshot: new Map(),
    conflicts: 0,
    isLined: false,
    fetch: undefined,
    arrivedAt: turn.now,
  };
  const hopeless = findHindrance(engine, turn, order, access.ok ? undefined : access.error);
  setHandled(engine, execution, { kind: "active" });
  engine.active.add(execution);
  if (hopeless) {
    failExecution(engine, turn, execution, hopeless.reason, hopeless.detail);
    return;
  }
  if (!order.shadow && execution.objects.some((object) => engine.lines.isLined(object))) lineUp(engine, execution);
  proceed(engine, turn, execution);
}

/** Why an order cannot be taken; undefined when it can. Enters the epochs its ticket names. */
function findHindrance(
  engine: Engine,
  turn: Turn,
  { ticket, input, shadow }: Order,
  accessError: string | undefined,
): { readonly reason: FailureReason; readonly detail: string } | undefined {
  const { body } = ticket;
  if (engine.active.size >= ACTIVE_MAX) return { reason: "refused", detail: "too many executions" };
  if (body.executionServer !== engine.configuration.self)
    return { reason: "refused", detail: `the ticket is for ${body.executionServer}` };
  if (turn.wall > body.expiresAt + CLOCKS_APART_MS) return { reason: "stale", detail: "the ticket has expired" };
  if (digestInput(engine.dependencies.hasher, input) !== body.inputDigest)
    return { reason: "refused", detail: "the input is not the ticket's" };
  if (!engine.applications.of(body.applicationVersion))
    return { reason: "refused", detail: "this version of the application is not here" };
  if (accessError !== undefined) return { reason: "thrown", detail: accessError };
  if (shadow) return undefined;
  const ended = engine.cache.enter(body);
  if (ended === "stale") return { reason: "stale", detail: "the ticket names an old epoch" };
  engine.outgoing.endEpochs(ended);
  for (const epoch of ended) engine.serials.delete(epoch);
  return undefined;
}

export function lineUp(engine: Engine, execution: Execution): void {
  if (execution.isLined) return;
  execution.isLined = true;
  engine.lines.join(execution, execution.objects);
}

export function setHandled(
  engine: Engine,
  execution: Execution,
  handled: NonNullable<ReturnType<Engine["handled"]["get"]>>,
): void {
  engine.handled.set(handledKey(execution), handled);
  if (engine.handled.size <= HANDLED_MAX) return;
  for (const oldest of engine.handled.keys()) {
    engine.handled.delete(oldest);
    return;
  }
}

/** The execution is over: nothing of it is awaited any more; those behind it in line go on. */
export function leave(engine: Engine, turn: Turn, execution: Execution): void {
  engine.active.delete(execution);
  if (execution.running !== undefined) engine.running.delete(execution.running);
  execution.running = undefined;
  if (execution.fetch) engine.fetching.delete(execution.fetch.name);
  execution.fetch = undefined;
  if (!execution.isLined) return;
  execution.isLined = false;
  for (const next of engine.lines.leave(execution, execution.objects)) proceed(engine, turn, next);
}

export function failExecution(
  engine: Engine,
  turn: Turn,
  execution: Execution,
  reason: FailureReason,
  detail: string,
  alsoInside: ExecutionFailedMessage["alsoInside"] = [],
): void {
  const { requestId, attempt } = execution.ticket.body;
  const failure: ExecutionFailedMessage = {
    kind: "executionFailed",
    requestId,
    attempt,
    ...(execution.shadow ? { run: execution.shadow.run } : {}),
    reason,
    detail: detail.slice(0, DETAIL_MAX),
    alsoInside,
  };
  setHandled(engine, execution, failure);
  turn.effects.push(send("traffic-regulator", engine.regulator, failure));
  leave(engine, turn, execution);
}
