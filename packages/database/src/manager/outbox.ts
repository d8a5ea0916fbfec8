/**
 * Outbox of alerts. Queueing is idempotent by key; a claim is exclusive, also between processes, and lapses, so that a
 * process that dies while sending loses nothing. A message may be sent twice when that happens, never not at all.
 */
import type { AlertDelivery, AlertSubscription, PrismaClient } from "../generated/manager/client.ts";
import { storableJson, storableText } from "./storable.ts";

export interface NewDelivery {
  readonly id: string;
  readonly subscriptionId: string;
  readonly purpose: "verification" | "test" | "event";
  readonly eventNumber: number | null;
  /** A delivery with a key that was queued before is not queued again. */
  readonly dedupeKey: string;
  readonly subject: string;
  /** Plain data: what to send. */
  readonly message: unknown;
  readonly notBefore: Date;
  readonly createdAt: Date;
}

export type ClaimedDelivery = AlertDelivery & { readonly subscription: AlertSubscription };

export type DeliveryOutcome =
  | { readonly kind: "sent"; readonly reply: string }
  | { readonly kind: "retry"; readonly reply: string; readonly nextAttemptAt: Date }
  | { readonly kind: "failed"; readonly reply: string };

export class OutboxRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Returns how many were queued; the others were there already. */
  async enqueue(deliveries: readonly NewDelivery[]): Promise<number> {
    const { count } = await this.#client.alertDelivery.createMany({
      data: deliveries.map(({ notBefore, eventNumber, ...delivery }) => ({
        ...delivery,
        subject: storableText(delivery.subject),
        message: storableJson(delivery.message),
        eventNumber: eventNumber === null ? null : BigInt(eventNumber),
        state: "queued",
        nextAttemptAt: notBefore,
      })),
      skipDuplicates: true,
    });
    return count;
  }

  /** Takes due deliveries, oldest first, for `by` to send before `until`; nobody else gets them meanwhile. */
  async claim(by: string, limit: number, now: Date, until: Date): Promise<ClaimedDelivery[]> {
    const claimed = await this.#client.$queryRaw<{ id: string }[]>`
      UPDATE "AlertDelivery" SET "state" = 'sending', "attempts" = "attempts" + 1, "claimedBy" = ${by},
             "claimedUntil" = to_timestamp(${until.getTime()} / 1000.0)
       WHERE "id" IN (
         SELECT "id" FROM "AlertDelivery"
          WHERE ("state" = 'queued' AND "nextAttemptAt" <= to_timestamp(${now.getTime()} / 1000.0))
             OR ("state" = 'sending' AND "claimedUntil" <= to_timestamp(${now.getTime()} / 1000.0))
          ORDER BY "nextAttemptAt", "id" LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING "id"`;
    return this.#client.alertDelivery.findMany({
      where: { id: { in: claimed.map(({ id }) => id) } },
      include: { subscription: true },
      orderBy: [{ nextAttemptAt: "asc" }, { id: "asc" }],
    });
  }

  /** Ends an attempt of `by`. False when its claim lapsed and somebody else has the delivery now: nothing is changed. */
  async complete(id: string, by: string, outcome: DeliveryOutcome, at: Date): Promise<boolean> {
    const state = { sent: "sent", retry: "queued", failed: "failed" }[outcome.kind];
    const reply = storableText(outcome.reply);
    const line = JSON.stringify([storableJson({ at, ok: outcome.kind === "sent", reply })]);
    const next = outcome.kind === "retry" ? outcome.nextAttemptAt.getTime() : null;
    const sent = outcome.kind === "sent" ? at.getTime() : null;
    const count = await this.#client.$executeRaw`
      UPDATE "AlertDelivery" SET "state" = ${state}, "lastReply" = ${reply}, "claimedBy" = NULL, "claimedUntil" = NULL,
             "attemptLog" = "attemptLog" || ${line}::jsonb,
             "nextAttemptAt" = coalesce(to_timestamp(${next}::double precision / 1000.0), "nextAttemptAt"),
             "sentAt" = to_timestamp(${sent}::double precision / 1000.0)
       WHERE "id" = ${id} AND "state" = 'sending' AND "claimedBy" = ${by}`;
    return count === 1;
  }

  /** When the next delivery is due or a claim lapses; null when nothing waits. */
  async nextDue(): Promise<Date | null> {
    const [row] = await this.#client.$queryRaw<{ due: Date | null }[]>`
      SELECT min(CASE WHEN "state" = 'queued' THEN "nextAttemptAt" ELSE "claimedUntil" END) AS due
        FROM "AlertDelivery" WHERE "state" IN ('queued', 'sending')`;
    return row?.due ?? null;
  }

  /** Newest first; of one owner's subscriptions, or of everybody's when `owner` is null. */
  async list({ owner, limit }: { owner: string | null; limit: number }): Promise<ClaimedDelivery[]> {
    return this.#client.alertDelivery.findMany({
      ...(owner === null ? {} : { where: { subscription: { owner } } }),
      include: { subscription: true },
      orderBy: [{ createdAt: "desc" }, { id: "asc" }],
      take: limit,
    });
  }

  /** Forgets what was sent or given up before `before`; returns how many. */
  async prune(before: Date): Promise<number> {
    const where = { state: { in: ["sent", "failed"] }, createdAt: { lt: before } };
    return (await this.#client.alertDelivery.deleteMany({ where })).count;
  }
}
