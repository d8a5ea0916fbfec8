/** What the configuration manager asks of the regulator: its configuration, reviews of quarantined requests, log pages. */
import type {
  QuarantineOrderMessage,
  ReadLogMessage,
  RegulatorConfigurationMessage,
  RequestId,
  RequestTraceSeen,
  ServerName,
} from "@redoubt/shared";
import { computeRequestId } from "../digests.ts";
import { findAccess } from "./access.ts";
import { makePending, takeIn } from "./admission.ts";
import { append, publish, type Regulator, sendTo } from "./context.ts";
import { dispatchWaiting } from "./dispatch.ts";
import { reviewPlacement } from "./epoch-wishes.ts";
import { exonerate, review, unblock } from "./exoneration.ts";
import { onProcessGone } from "./failures.ts";
import { readmit } from "./held-release.ts";
import type { HeldEntry } from "./held-requests.ts";
import { endHold } from "./holding.ts";
import type { MalformedEntry } from "./request-logs.ts";
import { startRuns } from "./shadow-runs.ts";
import { sendTicketKeys } from "./ticket-keys.ts";
import { restoreChoice, takeChoice } from "./versions.ts";

const ORDERS_KEPT_MAX = 1_000;
const PAGE_ENTRIES_MAX = 500;
const PAGE_CHARACTERS_MAX = 1_000_000;
const PAYLOAD_SHOWN_MAX = 16_384;
/** No client can choose such a key: keys are visible ASCII. */
export const RERUN_KEY_PREFIX = "\u0001rerun/";

export function onConfiguration(regulator: Regulator, configuration: RegulatorConfigurationMessage): void {
  if (regulator.wanted && configuration.version < regulator.wanted.version) return;
  // The manager repeats itself: only what says something new is journalled.
  const isNews = !regulator.wanted || contentOf(regulator.wanted) !== contentOf(configuration);
  takeConfiguration(regulator, configuration);
  if (isNews) append(regulator, { kind: "configuration", configuration });
}

const contentOf = (configuration: RegulatorConfigurationMessage): string =>
  JSON.stringify({ ...configuration, version: 0 });

/** Of the journal: what it says, without what follows from it. */
export function restoreConfiguration(regulator: Regulator, configuration: RegulatorConfigurationMessage): void {
  regulator.wanted = configuration;
  regulator.clients.configure(configuration.clients);
  restoreChoice(regulator, configuration.application);
  regulator.servers.configure(configuration.executionServers);
}

export function takeConfiguration(regulator: Regulator, configuration: RegulatorConfigurationMessage): void {
  const membersBefore = regulator.wanted?.members.join();
  regulator.wanted = configuration;
  regulator.clients.configure(configuration.clients);
  takeChoice(regulator, configuration.application);
  const gone = regulator.servers.configure(configuration.executionServers);
  for (const process of gone) onProcessGone(regulator, process, "replaced by the configuration manager");
  if (membersBefore !== configuration.members.join()) sendTicketKeys(regulator);
  reviewPlacement(regulator);
  dispatchWaiting(regulator);
  startRuns(regulator);
}

export function onQuarantineOrder(regulator: Regulator, { order, action }: QuarantineOrderMessage): void {
  if (regulator.orders.has(order)) return;
  rememberOrder(regulator, order);
  if (action.kind === "unblock") {
    unblock(regulator, action);
    return;
  }
  const { requestId } = action;
  const entry = regulator.logs.malformed(requestId);
  const held = regulator.logs.held.get(requestId);
  if (held?.isEnding === false) decideHeld(regulator, held, order, action.kind);
  else if (!entry) {
    publish(regulator, { kind: "alarm", what: `order ${order} names a request that is not in L1`, from: "" });
  } else if (action.kind === "confirm") review(regulator, requestId, "confirmed", order);
  else {
    exonerate(regulator, entry, order);
    // Of what is about to be rejected nothing is run: whether the masters have closed it is not known yet.
    if (action.rerun && !held) rerun(regulator, entry);
  }
}

/** Released, it runs under its own id, hence at most once however often that is ordered; confirmed, it is rejected for ever. */
function decideHeld(regulator: Regulator, held: HeldEntry, order: string, decision: "release" | "confirm"): void {
  if (decision === "confirm") {
    review(regulator, held.requestId, "confirmed", order);
    endHold(regulator, held);
    return;
  }
  exonerate(regulator, held, order);
  readmit(regulator, held);
}

export function rememberOrder(regulator: Regulator, order: string): void {
  regulator.orders.add(order);
  if (regulator.orders.size <= ORDERS_KEPT_MAX) return;
  const [oldest] = regulator.orders;
  if (oldest !== undefined) regulator.orders.delete(oldest);
}

/** A new request with an id derived from the old: it too takes effect at most once; the old key keeps its rejection. */
function rerun(regulator: Regulator, entry: MalformedEntry): void {
  const { dependencies, logs } = regulator;
  const { clientId, operation, inputText, inputDigest, address } = entry;
  const key = RERUN_KEY_PREFIX + entry.requestId;
  const requestId = computeRequestId(dependencies.hasher, clientId, key, operation, inputDigest);
  const access = findAccess(regulator.application, operation, inputText);
  if (logs.which(requestId) !== undefined || "problem" in access) return;
  const record = {
    kind: "admitted",
    requestId,
    clientId,
    key,
    address,
    operation,
    applicationVersion: regulator.application.version,
    inputText,
    inputDigest,
    admittedAt: Math.trunc(regulator.wall),
    seed: dependencies.makeKey() as typeof inputDigest,
  } as const;
  const pending = makePending(regulator, record, access, "rerun");
  pending.state = logs.seen.mayHave(requestId) ? "checking" : "waiting";
  takeIn(regulator, pending);
}

export function onReadLog(regulator: Regulator, manager: ServerName, message: ReadLogMessage): void {
  const limit = Math.max(0, Math.min(PAGE_ENTRIES_MAX, Math.trunc(message.limit)));
  const entries: Readonly<Record<string, unknown>>[] = [];
  let characters = 0;
  for (const entry of entriesOf(regulator, message, limit)) {
    characters += JSON.stringify(entry).length;
    if (characters > PAGE_CHARACTERS_MAX) break;
    entries.push(entry);
  }
  const counts = regulator.logs.counts;
  sendTo(regulator, "configuration-manager", manager, { kind: "logPage", query: message.query, entries, counts });
}

/** Newest first (L3: oldest first). */
function entriesOf(
  regulator: Regulator,
  { log, requestId }: ReadLogMessage,
  limit: number,
): Readonly<Record<string, unknown>>[] {
  const { logs } = regulator;
  // About one request everything is told that is remembered of it.
  const trace = requestId === undefined ? undefined : traceOf(regulator, requestId);
  if (log === "L2") {
    const entries = requestId === undefined ? logs.newestVerified(limit) : [logs.verified(requestId)];
    return entries.filter((entry) => entry !== undefined).map((entry) => ({ ...entry, ...trace }));
  }
  if (log === "L1") {
    const entries = requestId === undefined ? logs.newestMalformed(limit) : [logs.malformed(requestId)];
    const quarantined = entries
      .filter((entry) => entry !== undefined)
      .map((entry) => ({ ...entry, inputText: entry.inputText.slice(0, PAYLOAD_SHOWN_MAX), ...trace }));
    const unqualified = requestId === undefined ? logs.newestUnqualified(limit) : [];
    return [...quarantined, ...unqualified.map((entry) => ({ ...entry }))].slice(0, limit);
  }
  const pending = requestId === undefined ? [...logs.allPending()].slice(0, limit) : [logs.pending(requestId)];
  return pending
    .filter((request) => request !== undefined)
    .map(({ record, state, attempt, current, suspect }) => ({
      ...record,
      inputText: record.inputText.slice(0, PAYLOAD_SHOWN_MAX),
      state,
      attempt,
      executionServer: current?.server ?? "",
      suspect,
      ...trace,
    }));
}

function traceOf({ logs, traces }: Regulator, requestId: RequestId): { readonly trace: RequestTraceSeen } | undefined {
  const trace = logs.pending(requestId)?.trace ?? traces.of(requestId);
  return trace && { trace: trace.seen };
}
