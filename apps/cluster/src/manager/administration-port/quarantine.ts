/**
 * Reviews of quarantined requests. The regulator's log is what keeps a request from running; a decision is an order to it,
 * and what people see changes when its fact comes back.
 */
import { randomUUID } from "node:crypto";
import type { QuarantineRow } from "@redoubt/database";
import { computeRequestId, digestInput, RERUN_KEY_PREFIX } from "@redoubt/protocol";
import { type QuarantineState, quarantineStates, type RegulatorFact, type RequestId } from "@redoubt/shared";
import {
  type Actor,
  AdministrationError,
  type AdministrationPort,
  type QuarantineDecision,
  type QuarantineSummary,
} from "../../administration/index.ts";
import { createHasher } from "../../runtime/hasher.ts";
import type { PortParts } from "./parts.ts";
import { quarantineItem, toSummary } from "./quarantine-item.ts";
import { maskPayload } from "./quarantine-payload.ts";

type QuarantinePart = Pick<
  AdministrationPort,
  | "quarantineList"
  | "quarantineItem"
  | "quarantinePayload"
  | "quarantineClaim"
  | "quarantineRequestRelease"
  | "quarantineRelease"
  | "quarantineConfirm"
>;

const hasher = createHasher();
const CLAIM_MS = 30 * 60_000;
const UNDECIDED: readonly QuarantineState[] = ["new", "claimed", "waiting-second"];

export function quarantinePart(parts: PortParts): QuarantinePart {
  const { database, contract } = parts;
  return {
    async quarantineList(filter) {
      const page = await database.answering(async (store) => {
        const before = filter.before === undefined ? undefined : (await store.quarantine.get(filter.before))?.at;
        const [found, counts] = await Promise.all([
          store.quarantine.list({ ...filter, before }),
          store.quarantine.counts("malformed"),
        ]);
        return { ...found, counts };
      });
      const counts = Object.fromEntries(quarantineStates.map((state) => [state, page.counts[state] ?? 0]));
      return {
        asOf: new Date().toISOString(),
        items: page.items.map((row): QuarantineSummary => toSummary(row)),
        total: page.total,
        counts: counts as Record<QuarantineState, number>,
      };
    },
    async quarantineItem(requestId) {
      return quarantineItem(parts, await rowOf(parts, requestId));
    },
    async quarantinePayload({ requestId, unmask }) {
      const payload = await database.answering((store) => store.quarantine.payload(requestId));
      if (!payload) throw notFound();
      return maskPayload(contract, requestId, Buffer.from(payload).toString("utf8"), unmask);
    },
    async quarantineClaim({ requestId }, actor) {
      const row = await transition(parts, requestId, ["new", "claimed"], actor, {
        to: "claimed",
        reviewer: actor.name,
        claimedUntil: new Date(Date.now() + CLAIM_MS),
      });
      return decisionOf(row, null, ["You have claimed this request for 30 minutes; others see that."]);
    },
    async quarantineRequestRelease({ requestId, reason }, actor) {
      await addNote(parts, requestId, actor, `asks for release: ${reason}`);
      const row = await transition(parts, requestId, UNDECIDED, actor, {
        to: "waiting-second",
        releaseRequestedBy: actor.name,
      });
      return decisionOf(row, null, ["Nothing is released yet: a second person with the approver's role must agree."]);
    },
    quarantineRelease: (request, actor) => release(parts, request, actor),
    quarantineConfirm: (request, actor) => confirm(parts, request, actor),
  };
}

const notFound = (): AdministrationError =>
  new AdministrationError("not-found", "No quarantined request has this id.", "requestId");

async function rowOf({ database }: PortParts, requestId: string): Promise<QuarantineRow> {
  const row = await database.answering((store) => store.quarantine.get(requestId));
  if (!row) throw notFound();
  return row;
}

async function addNote({ database }: PortParts, requestId: string, actor: Actor, text: string): Promise<void> {
  const note = { at: new Date(), by: actor.name, text };
  await database.answering((store) => store.quarantine.addNote(requestId, note));
}

async function transition(
  { database, feed }: PortParts,
  requestId: string,
  from: readonly QuarantineState[],
  actor: Actor,
  change: { to: QuarantineState; reviewer?: string; claimedUntil?: Date; releaseRequestedBy?: string },
): Promise<QuarantineRow> {
  const previous = await database.answering((store) => store.quarantine.get(requestId));
  const changed = await database.answering((store) => store.quarantine.transition(requestId, from, change));
  if (!changed.ok) {
    if (changed.error.code === "not-found") throw notFound();
    throw new AdministrationError("conflict", `This request is ${changed.error.current.state} already.`);
  }
  void feed.record({
    kind: "quarantine.changed",
    severity: "info",
    requestId,
    from: (previous?.state ?? "new") as QuarantineState,
    to: change.to,
    by: actor.name.slice(0, 200),
  });
  return changed.value;
}

const decisionOf = (row: QuarantineRow, rerunRequestId: string | null, effects: string[]): QuarantineDecision => ({
  requestId: row.requestId,
  state: row.state as QuarantineState,
  rerunRequestId,
  effects,
});

async function decide(
  parts: PortParts,
  requestId: string,
  actor: Actor,
  state: "released" | "confirmed",
  rerun: boolean,
): Promise<QuarantineRow> {
  // Two tabs at once: the second is told so instead of waiting for a confirmation that cannot come.
  if (UNDER_WAY.has(requestId))
    throw new AdministrationError("conflict", "A decision on this request is under way; look again in a moment.");
  UNDER_WAY.add(requestId);
  try {
    return await giveOrder(parts, requestId, actor, state, rerun);
  } finally {
    UNDER_WAY.delete(requestId);
  }
}

const UNDER_WAY = new Set<string>();

async function giveOrder(
  parts: PortParts,
  requestId: string,
  actor: Actor,
  state: "released" | "confirmed",
  rerun: boolean,
): Promise<QuarantineRow> {
  const order = `${randomUUID()}/${actor.name}`;
  const id = requestId as RequestId;
  const action =
    state === "released"
      ? { kind: "release" as const, requestId: id, rerun }
      : { kind: "confirm" as const, requestId: id };
  const isDone = (fact: RegulatorFact): boolean => fact.kind === "quarantineChanged" && fact.order === order;
  await parts.regulator.order(order, action, isDone);
  return rowOf(parts, requestId);
}

async function requireUndecided(parts: PortParts, requestId: string): Promise<QuarantineRow> {
  const row = await rowOf(parts, requestId);
  if (UNDECIDED.includes(row.state as QuarantineState)) return row;
  if (row.state === "expired")
    throw new AdministrationError("conflict", "Its time was over before anybody released it: it is rejected for ever.");
  throw new AdministrationError(
    "conflict",
    `This request was ${row.state} by ${row.decidedBy ?? "somebody"}; a decision is taken once.`,
  );
}

async function release(
  parts: PortParts,
  { requestId, reason, rerun }: { requestId: string; reason: string; rerun: boolean },
  actor: Actor,
): Promise<QuarantineDecision> {
  const before = await requireUndecided(parts, requestId);
  await addNote(parts, requestId, actor, `released: ${reason}`);
  const isRerun = rerun && !before.held;
  const row = await decide(parts, requestId, actor, "released", isRerun);
  const effects = [
    "The request is exonerated: blocks and signatures that came from it are lifted.",
    before.held ? HELD_EFFECT : isRerun ? RERUN_EFFECT : "It is not run again; the client keeps its rejection.",
  ];
  return decisionOf(row, before.held ? requestId : isRerun ? await rerunIdOf(parts, before) : null, effects);
}

const HELD_EFFECT =
  "It runs once more under its own id, however often it is released; if its acceptance test passes its client gets the reply, else it is rejected.";
const RERUN_EFFECT = "It is run again as a new request and takes effect at most once, if its acceptance test passes.";

/** The regulator derives the new request's id from the old one's, and so does everybody who knows client and input. */
async function rerunIdOf(
  { database }: PortParts,
  { requestId, client, operation }: QuarantineRow,
): Promise<string | null> {
  const payload = await database.answering((store) => store.quarantine.payload(requestId));
  if (!payload || client === null) return null;
  const inputDigest = digestInput(hasher, Buffer.from(payload).toString("utf8"));
  return computeRequestId(hasher, client, RERUN_KEY_PREFIX + requestId, operation, inputDigest);
}

async function confirm(
  parts: PortParts,
  { requestId, reason }: { requestId: string; reason: string },
  actor: Actor,
): Promise<QuarantineDecision> {
  const { held } = await requireUndecided(parts, requestId);
  await addNote(parts, requestId, actor, `confirmed: ${reason}`);
  const row = await decide(parts, requestId, actor, "confirmed", false);
  const effect = held ? "The request is rejected now, for ever" : "The request stays rejected";
  return decisionOf(row, null, [`${effect}; blocks and signatures that came from it stay.`]);
}
