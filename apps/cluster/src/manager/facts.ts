/**
 * Takes in the regulator's facts: in the order of their numbers, each recorded before it is acknowledged, so that none is
 * lost whichever side crashes (R42, U31). What cannot wait for a database, ending a discarded process, is done on arrival.
 *
 * Recording is repeatable: rows have ids made from the fact, and feed events carry its number, so that what was being
 * recorded when a manager was killed appears once.
 */
import { createHash } from "node:crypto";
import type { ManagerOpening, ManagerStore, NewQuarantinedRequest } from "@redoubt/database";
import { nameText, outcomeOfFact, quarantineReasonOf } from "@redoubt/protocol";
import { type NumberedFact, quarantineStateSchema, type RegulatorFact, type ServerName } from "@redoubt/shared";
import { z } from "zod";
import type { ManagerDatabase } from "./database.ts";
import type { ManagerFeed } from "./feed.ts";
import type { Incidents } from "./incidents.ts";
import type { RegulatorLink } from "./regulator-link.ts";

/** A missing number that is still missing after this long was given up by the regulator. */
const GAP_PATIENCE_MS = 2_000;
const PAYLOAD_BYTES_MAX = 256 * 1024;
const SETTING = "regulator.facts";
const UNDECIDED = ["new", "claimed", "waiting-second"] as const;

const cursorSchema = z.object({ number: z.number().int(), at: z.number() });
type Cursor = z.infer<typeof cursorSchema>;

export interface FactsParts {
  readonly database: ManagerDatabase;
  readonly feed: ManagerFeed;
  readonly incidents: Incidents;
  readonly regulator: Pick<RegulatorLink, "acknowledge" | "noteFact">;
  readonly nodeOf: (server: ServerName) => string;
  readonly titleOf: (operation: string, payload: string) => string;
  readonly severityOf: (reason: string) => "low" | "high";
  /** Fences and ends a process at once. */
  readonly discard: (server: ServerName, incarnation: string) => void;
  readonly onFailure: (error: unknown) => void;
}

type FactOf<Kind extends RegulatorFact["kind"]> = Extract<RegulatorFact, { kind: Kind }>;

export class FactIntake {
  readonly #parts: FactsParts;
  #cursor: Cursor | undefined;
  #queue: NumberedFact[] = [];
  #isWorking = false;
  /** Something came while the last acknowledgement was under way. */
  #hasMore = false;
  #hasRead = false;
  #gapSince: number | undefined;
  /** Recordings that must be through before their facts are acknowledged. */
  #unfinished: Promise<unknown>[] = [];

  constructor(parts: FactsParts) {
    this.#parts = parts;
  }

  open({ settings }: Pick<ManagerOpening, "settings">): void {
    const parsed = cursorSchema.safeParse(settings.get(SETTING));
    this.#cursor = parsed.success ? parsed.data : { number: 0, at: 0 };
    if (!this.#isWorking) void this.#work();
  }

  take(facts: readonly NumberedFact[]): void {
    for (const { fact } of facts) {
      if (fact.kind === "discardServer") this.#parts.discard(fact.server, fact.incarnation);
    }
    // The regulator repeats everything unread: the newest message says all that waits.
    this.#queue = mergeByNumber(this.#queue, facts);
    this.#hasMore = true;
    if (this.#cursor && !this.#isWorking) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    try {
      do {
        this.#hasMore = false;
        for (let next = this.#next(); next !== undefined; next = this.#next()) {
          await this.#record(next);
          this.#cursor = { number: next.number, at: next.at };
        }
        // Only what this regulator has told: a cursor from another life of it would acknowledge what nobody has read.
        if (this.#hasRead) await this.#acknowledge();
      } while (this.#hasMore);
    } catch (error) {
      this.#parts.onFailure(error);
    } finally {
      this.#isWorking = false;
    }
  }

  /** The fact whose turn it is; what was recorded before is dropped. */
  #next(): NumberedFact | undefined {
    const cursor = this.#cursor;
    if (!cursor) return undefined;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      // Lower numbers with a later time come from a regulator that has lost its journal and counts from 1 again.
      const isRepeated = first.number <= cursor.number && first.at <= cursor.at;
      if (isRepeated) {
        this.#queue.shift();
        this.#hasRead = true;
        continue;
      }
      const isNext = first.number <= cursor.number || first.number === cursor.number + 1;
      if (!isNext && !this.#isGapOld()) return undefined;
      this.#gapSince = undefined;
      this.#hasRead = true;
      return this.#queue.shift();
    }
    return undefined;
  }

  #isGapOld(): boolean {
    this.#gapSince ??= performance.now();
    return performance.now() - this.#gapSince > GAP_PATIENCE_MS;
  }

  async #acknowledge(): Promise<void> {
    const cursor = this.#cursor;
    if (!cursor) return;
    this.#hasRead = false;
    await Promise.all(this.#unfinished.splice(0));
    await this.#parts.database.persistently((store) => store.settings.set(SETTING, cursor, "manager", new Date()));
    this.#parts.regulator.acknowledge(cursor.number);
  }

  async #record({ number, at, fact }: NumberedFact): Promise<void> {
    const { database, feed, incidents, regulator, nodeOf, titleOf } = this.#parts;
    const when = new Date(at);
    await database.persistently((store) => this.#applyRows(store, fact, `${number}:${at}`, when));
    const outcome = outcomeOfFact(fact, { nodeOf, titleOf });
    this.#unfinished.push(feed.recordOnce(`regulator ${number}:${at}`, ...outcome.events));
    if (outcome.report) this.#unfinished.push(incidents.report(outcome.report));
    if (outcome.close) this.#unfinished.push(incidents.close(outcome.close.key, outcome.close.text));
    if (outcome.exonerates) this.#exonerate(outcome.exonerates.requestId, outcome.exonerates.text);
    regulator.noteFact(fact);
  }

  #exonerate(requestId: string, text: string): void {
    const { incidents, feed, nodeOf } = this.#parts;
    const exonerated = incidents.exonerate(requestId, text, (server) => {
      void feed.record({
        kind: "server.discarded",
        severity: "info",
        server,
        component: "execution-server",
        node: nodeOf(server),
        requestId,
        verdict: "exonerated",
        cause: text,
      });
    });
    this.#unfinished.push(exonerated);
  }

  async #applyRows(store: ManagerStore, fact: RegulatorFact, name: string, at: Date): Promise<void> {
    switch (fact.kind) {
      case "quarantined":
        await addQuarantined(store, this.#quarantineRow(fact, at));
        return;
      case "quarantineChanged":
        await this.#decide(store, fact, at);
        return;
      case "hostBlocked":
        await addBlocks(store, fact, name, at);
        return;
      case "hostUnblocked":
        await liftBlocks(store, fact, at);
        return;
      case "signatureLearned":
        await addSignature(store, fact, at);
        return;
      case "attributed":
        await store.attributions.add(rowId(name, fact.kind), fact, at);
        return;
      case "requestExonerated":
        await store.screening.liftBlocksOf(fact.requestId, "exonerated", at);
        await store.screening.revokeSignaturesOf(fact.requestId, at);
    }
  }

  #quarantineRow(fact: FactOf<"quarantined">, at: Date) {
    const { titleOf, severityOf } = this.#parts;
    const { requestId, attempt, operation, clientId, host, check, detail, executionServer, payload, evidence } = fact;
    return {
      requestId,
      attempt,
      operation,
      title: titleOf(operation, payload),
      client: clientId === "" ? null : clientId,
      host,
      reason: quarantineReasonOf(fact.reason),
      check,
      class: "malformed" as const,
      severity: severityOf(fact.reason),
      detail: { detail, executionServer, evidence, reason: fact.reason },
      payload: Buffer.from(payload).subarray(0, PAYLOAD_BYTES_MAX),
      at,
      held: fact.state === "held",
      expiresAt: fact.heldUntil === undefined ? null : new Date(fact.heldUntil),
      signatureId: typeof evidence.signature === "string" ? evidence.signature : null,
    };
  }

  /** The order's name says who gave it (`<id>/<name>`), so that a manager that was killed in between still knows. */
  async #decide(
    store: ManagerStore,
    { requestId, state, order }: FactOf<"quarantineChanged">,
    at: Date,
  ): Promise<void> {
    const decidedBy = state === "expired" ? null : order.slice(order.indexOf("/") + 1) || "administrator";
    const from = quarantineStateSchema.safeParse((await store.quarantine.get(requestId))?.state);
    const decision = { to: state, decidedBy, decidedAt: at };
    const changed = await store.quarantine.transition(requestId, UNDECIDED, decision);
    if (!changed.ok || !from.success) return;
    const event = {
      kind: "quarantine.changed",
      severity: "notice",
      requestId,
      to: state,
      by: decidedBy === null ? "its time being over" : nameText(decidedBy),
    } as const;
    this.#unfinished.push(this.#parts.feed.record({ ...event, from: from.data }));
  }
}

function mergeByNumber(waiting: readonly NumberedFact[], arrived: readonly NumberedFact[]): NumberedFact[] {
  const byNumber = new Map<string, NumberedFact>();
  for (const fact of [...waiting, ...arrived]) byNumber.set(`${fact.number} ${fact.at}`, fact);
  return [...byNumber.values()].sort((left, right) => left.number - right.number || left.at - right.at);
}

const rowId = (name: string, kind: string): string =>
  createHash("sha256").update(`${name}:${kind}`).digest("hex").slice(0, 32);

/** What is there already was held and released, and has failed again. */
async function addQuarantined(store: ManagerStore, row: NewQuarantinedRequest): Promise<void> {
  if (!(await store.quarantine.add(row))) await store.quarantine.takeBack(row);
}

async function addBlocks(store: ManagerStore, fact: FactOf<"hostBlocked">, name: string, at: Date): Promise<void> {
  const wanted = [
    { kind: "principal" as const, value: fact.principal },
    { kind: "address" as const, value: fact.address },
  ];
  for (const { kind, value } of wanted) {
    if (value === undefined || value === "") continue;
    const block = {
      id: rowId(name, kind),
      kind,
      value,
      reason: fact.reason,
      requestId: fact.requestId,
      at,
      expiresAt: null,
    };
    await addOnce(() => store.screening.block(block));
  }
}

async function liftBlocks(store: ManagerStore, fact: FactOf<"hostUnblocked">, at: Date): Promise<void> {
  if (fact.principal !== undefined) await store.screening.liftBlocks("principal", fact.principal, "administrator", at);
  if (fact.address !== undefined) await store.screening.liftBlocks("address", fact.address, "administrator", at);
}

async function addSignature(store: ManagerStore, fact: FactOf<"signatureLearned">, at: Date): Promise<void> {
  await store.screening.addSignature({
    id: fact.signature,
    operation: fact.operation,
    pattern: { kind: "exact-digest" },
    mode: "enforce",
    requestId: fact.requestId,
    createdBy: "traffic-regulator",
    createdAt: at,
    expiresAt: null,
  });
}

/** A row that is there already stays: the fact is a repeated one. */
async function addOnce(add: () => Promise<unknown>): Promise<void> {
  try {
    await add();
  } catch (error) {
    if ((error as { code?: unknown }).code !== "P2002") throw error;
  }
}
