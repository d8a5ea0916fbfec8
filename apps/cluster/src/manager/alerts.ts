/**
 * Alerts: who wants to know what, and the outbox that tells them. An event is queued for every subscription it matches,
 * once; deliveries are tried until they are taken or refused, over restarts; every attempt is kept (CONSOLE §1.7).
 *
 * An address gets nothing but its code until the code came back. Events about deliveries are never alerted: they would
 * breed.
 */
import { createHash, randomInt, randomUUID } from "node:crypto";
import type { AlertSubscription, ManagerOpening } from "@redoubt/database";
import { type FeedEvent, type FeedEventKind, type FeedSeverity, feedSeverities } from "@redoubt/shared";
import type { Logger } from "pino";
import { deriveWebhookKey } from "../adapters/webhook/index.ts";
import {
  type Actor,
  AdministrationError,
  type Delivery,
  type NewSubscription,
  type Subscription,
} from "../administration/index.ts";
import { type AlertContent, AlertDeliverer } from "./alert-deliverer.ts";
import { alertText } from "./alert-text.ts";
import type { ManagerDatabase } from "./database.ts";
import type { ManagerFeed } from "./feed.ts";

const CURSOR = "alerts.through";
const BATCH_MAX = 200;
const SUBSCRIPTIONS_MAX = 1_000;
const CODE_DIGITS = 6;

export interface AlertsParts {
  readonly database: ManagerDatabase;
  readonly feed: ManagerFeed;
  readonly log: Logger;
  readonly clusterName: string;
  readonly consoleUrl: string;
  /** DATA/secrets. */
  readonly secretsFolder: string;
  /** Secret of the cluster from which webhook keys are made. */
  readonly webhookKey: string;
}

const codeHash = (subscriptionId: string, code: string): string =>
  createHash("sha256").update(`${subscriptionId} ${code}`).digest("hex");

export class Alerts {
  readonly #parts: AlertsParts;
  readonly #deliverer: AlertDeliverer;
  #unsubscribe: (() => void) | undefined;
  #isQueueing = false;
  #through = 0;

  constructor(parts: AlertsParts) {
    this.#parts = parts;
    this.#deliverer = new AlertDeliverer(parts);
  }

  /** Goes on after the last event that was queued. */
  async open({ settings }: Pick<ManagerOpening, "settings">): Promise<void> {
    const { database, feed } = this.#parts;
    const stored =
      settings.get(CURSOR) ??
      (await database.persistently((store) => store.settings.ensure(CURSOR, feed.latest, "manager", new Date())));
    this.#through = typeof stored === "number" ? stored : feed.latest;
    this.#unsubscribe = feed.subscribe(() => void this.#queue());
    void this.#queue();
    this.#deliverer.start();
  }

  close(): void {
    this.#unsubscribe?.();
    this.#deliverer.close();
  }

  async #queue(): Promise<void> {
    if (this.#isQueueing) return;
    this.#isQueueing = true;
    const { feed, log } = this.#parts;
    try {
      while (this.#through < feed.latest) {
        const events = await feed.since(this.#through, BATCH_MAX);
        const last = events.at(-1);
        if (!last) break;
        await this.#queueEvents(events);
        this.#through = last.number;
      }
    } catch (error) {
      log.warn({ error: error instanceof Error ? error.message : error }, "alerts wait");
    } finally {
      this.#isQueueing = false;
    }
  }

  async #queueEvents(events: readonly FeedEvent[]): Promise<void> {
    const { database, clusterName, consoleUrl } = this.#parts;
    const subscriptions = await database.persistently((store) => store.subscriptions.active());
    const now = new Date();
    const deliveries = events.flatMap((event) =>
      subscriptions
        .filter((subscription) => matches(subscription, event))
        .map((subscription) => {
          const { subject, text } = alertText(event, clusterName, consoleUrl);
          return {
            id: randomUUID(),
            subscriptionId: subscription.id,
            purpose: "event" as const,
            eventNumber: event.number,
            dedupeKey: `${subscription.id}:${event.number}`,
            subject,
            message: { purpose: "event", subject, text, event } satisfies AlertContent,
            notBefore: now,
            createdAt: now,
          };
        }),
    );
    const last = events.at(-1)?.number ?? this.#through;
    await database.persistently(async (store) => {
      await store.outbox.enqueue(deliveries);
      await store.settings.set(CURSOR, last, "manager", now);
    });
    if (deliveries.length > 0) this.#deliverer.wake();
  }

  async list(owner: string | null): Promise<Subscription[]> {
    const rows = await this.#parts.database.answering((store) => store.subscriptions.list(owner));
    return rows.map(toSubscription);
  }

  async add(request: NewSubscription, actor: Actor): Promise<Subscription> {
    const { database } = this.#parts;
    const id = randomUUID();
    const code = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, "0");
    const now = new Date();
    const row = await database.answering(async (store) => {
      if ((await store.subscriptions.list(null)).length >= SUBSCRIPTIONS_MAX)
        throw new AdministrationError("refused", `There are ${SUBSCRIPTIONS_MAX} subscriptions already.`);
      return store.subscriptions.add({
        id,
        owner: actor.name,
        channel: request.channel,
        address: request.address,
        events: request.kinds,
        minimumSeverity: request.minimumSeverity,
        verificationCodeHash: codeHash(id, code),
        createdAt: now,
      });
    });
    await this.#enqueue(id, "verification", `verification:${id}`, {
      purpose: "verification",
      subject: "Your code for alerts of Redoubt",
      text: `The code is ${code}.\nType it in where you added this address to get alerts here.\n`,
      code,
      // A webhook learns with its code how to check signatures.
      ...(request.channel === "webhook" ? { signingKey: deriveWebhookKey(this.#parts.webhookKey, id) } : {}),
    });
    return toSubscription(row);
  }

  async verify({ subscriptionId, code }: { subscriptionId: string; code: string }): Promise<Subscription> {
    const { database } = this.#parts;
    const outcome = await database.answering((store) =>
      store.subscriptions.verify(subscriptionId, codeHash(subscriptionId, code), new Date()),
    );
    if (outcome === "not-found")
      throw new AdministrationError("not-found", "There is no such subscription.", "subscriptionId");
    if (outcome === "wrong-code")
      throw new AdministrationError("invalid", "This is not the code that was sent.", "code");
    if (outcome === "void")
      throw new AdministrationError(
        "refused",
        "Too many wrong codes: remove the subscription and add it again.",
        "code",
      );
    return this.#one(subscriptionId);
  }

  async remove(subscriptionId: string): Promise<void> {
    const removed = await this.#parts.database.answering((store) => store.subscriptions.remove(subscriptionId));
    if (!removed) throw new AdministrationError("not-found", "There is no such subscription.", "subscriptionId");
  }

  async testSend(subscriptionId: string): Promise<Delivery> {
    const subscription = await this.#one(subscriptionId);
    if (subscription.state === "unverified")
      throw new AdministrationError("refused", "This address has not been verified: it gets nothing but its code.");
    const id = await this.#enqueue(subscriptionId, "test", `test:${randomUUID()}`, {
      purpose: "test",
      subject: "Test alert of Redoubt",
      text: "This is a test. Real alerts go the same way.\n",
    });
    const found = (await this.deliveries(null, 100)).find(({ deliveryId }) => deliveryId === id);
    if (!found) throw new AdministrationError("unavailable", "The test was queued and is not visible yet.");
    return found;
  }

  async deliveries(owner: string | null, limit: number): Promise<Delivery[]> {
    const rows = await this.#parts.database.answering((store) => store.outbox.list({ owner, limit }));
    return rows.map((row) => {
      const attempts = Array.isArray(row.attemptLog)
        ? (row.attemptLog as { at: string; ok: boolean; reply: string }[])
        : [];
      const isWaiting = row.state === "queued" || row.state === "sending";
      return {
        deliveryId: row.id,
        subscriptionId: row.subscriptionId,
        channel: row.subscription.channel === "webhook" ? "webhook" : "email",
        address: row.subscription.address,
        purpose: row.purpose === "event" || row.purpose === "test" ? row.purpose : "verification",
        eventNumber: row.eventNumber === null ? null : Number(row.eventNumber),
        subject: row.subject,
        state: isWaiting ? (attempts.length > 0 ? "delayed" : "queued") : row.state === "sent" ? "sent" : "failed",
        queuedAt: row.createdAt.toISOString(),
        nextAttemptAt: isWaiting ? row.nextAttemptAt.toISOString() : null,
        attempts,
      };
    });
  }

  async #one(subscriptionId: string): Promise<Subscription> {
    const row = await this.#parts.database.answering((store) => store.subscriptions.get(subscriptionId));
    if (!row) throw new AdministrationError("not-found", "There is no such subscription.", "subscriptionId");
    return toSubscription(row);
  }

  async #enqueue(
    subscriptionId: string,
    purpose: "verification" | "test",
    dedupeKey: string,
    message: AlertContent,
  ): Promise<string> {
    const id = randomUUID();
    const now = new Date();
    const { subject } = message;
    await this.#parts.database.answering((store) =>
      store.outbox.enqueue([
        { id, subscriptionId, purpose, eventNumber: null, dedupeKey, subject, message, notBefore: now, createdAt: now },
      ]),
    );
    this.#deliverer.wake();
    return id;
  }
}

const rank = (severity: string): number => feedSeverities.indexOf(severity as FeedSeverity);

export function matches(
  subscription: Pick<AlertSubscription, "events" | "minimumSeverity" | "verifiedAt">,
  event: FeedEvent,
): boolean {
  // What happened before the address was known to be right is not sent to it afterwards.
  if (subscription.verifiedAt === null || Date.parse(event.at) < subscription.verifiedAt.getTime()) return false;
  if (event.kind === "alert.delivery") return false;
  if (subscription.events.length > 0 && !subscription.events.includes(event.kind)) return false;
  return rank(event.severity) >= rank(subscription.minimumSeverity);
}

function toSubscription(row: AlertSubscription): Subscription {
  return {
    subscriptionId: row.id,
    owner: row.owner,
    channel: row.channel === "webhook" ? "webhook" : "email",
    address: row.address,
    minimumSeverity: row.minimumSeverity as FeedSeverity,
    kinds: row.events as FeedEventKind[],
    state: row.flaggedAt !== null ? "flagged" : row.verifiedAt === null ? "unverified" : "active",
    createdAt: row.createdAt.toISOString(),
    verifiedAt: row.verifiedAt?.toISOString() ?? null,
    flaggedBecause: row.flaggedBecause,
  };
}
