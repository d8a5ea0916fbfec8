/** Carries out the outbox: claims what is due, sends it, writes down what the receiving server said. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClaimedDelivery, DeliveryOutcome } from "@redoubt/database";
import type { FeedEvent } from "@redoubt/shared";
import type { Logger } from "pino";
import { type MailSettings, mailSettingsSchema, sendMail } from "../adapters/mail/index.ts";
import { deriveWebhookKey, postWebhook } from "../adapters/webhook/index.ts";
import type { ManagerDatabase } from "./database.ts";
import type { ManagerFeed } from "./feed.ts";

/** What waits in the outbox: a mail is made of subject and text, a webhook gets all of it. */
export type AlertContent = {
  readonly purpose: "verification" | "test" | "event";
  readonly subject: string;
  readonly text: string;
  readonly code?: string;
  readonly signingKey?: string;
  readonly event?: FeedEvent;
};

export interface DelivererParts {
  readonly database: ManagerDatabase;
  readonly feed: ManagerFeed;
  readonly log: Logger;
  readonly secretsFolder: string;
  readonly webhookKey: string;
}

type Attempt =
  | { readonly kind: "sent" | "retry"; readonly reply: string }
  | { readonly kind: "failed"; readonly reply: string; readonly refused: boolean };

const BATCH_MAX = 8;
const CLAIM_MS = 60_000;
const LOOK_AGAIN_MS = 30_000;
const RETRY_FIRST_MS = 5_000;
const RETRY_MAX_MS = 15 * 60_000;
/** About a day with the pauses above. */
const ATTEMPTS_MAX = 100;
const SMTP_FILE = "smtp.json";
const SMTP_SETTING = "alerts.smtp";

export const retryDelayMs = (attempts: number): number =>
  Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** Math.max(0, attempts - 1));

export class AlertDeliverer {
  readonly #parts: DelivererParts;
  readonly #name = `manager-${process.pid}`;
  #timer: NodeJS.Timeout | undefined;
  #isWorking = false;
  #again = false;
  #closed = false;

  constructor(parts: DelivererParts) {
    this.#parts = parts;
  }

  start(): void {
    this.wake();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** There is something to send. */
  wake(): void {
    if (this.#isWorking) this.#again = true;
    else void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#isWorking = true;
    let nextAt = Date.now() + LOOK_AGAIN_MS;
    try {
      for (let count = 1; count > 0 && !this.#closed; ) {
        this.#again = false;
        count = await this.#sendDue();
      }
      const due = await this.#parts.database.persistently((store) => store.outbox.nextDue());
      if (due !== null) nextAt = Math.min(nextAt, due.getTime());
    } catch (error) {
      if (!this.#closed)
        this.#parts.log.warn({ error: error instanceof Error ? error.message : error }, "outbox waits");
    } finally {
      this.#isWorking = false;
    }
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.#work(), this.#again ? 0 : Math.max(100, nextAt - Date.now()));
  }

  async #sendDue(): Promise<number> {
    const now = new Date();
    const claimed = await this.#parts.database.persistently((store) =>
      store.outbox.claim(this.#name, BATCH_MAX, now, new Date(now.getTime() + CLAIM_MS)),
    );
    await Promise.all(claimed.map((delivery) => this.#deliver(delivery)));
    return claimed.length;
  }

  async #deliver(delivery: ClaimedDelivery): Promise<void> {
    const attempt = await this.#attempt(delivery);
    const outcome = outcomeOf(attempt, delivery.attempts);
    const { database, feed } = this.#parts;
    await database.persistently(async (store) => {
      await store.outbox.complete(delivery.id, this.#name, outcome, new Date());
      if (attempt.kind === "failed" && attempt.refused)
        await store.subscriptions.flag(delivery.subscriptionId, attempt.reply, new Date());
    });
    void feed.record({
      kind: "alert.delivery",
      severity: outcome.kind === "failed" ? "warning" : "info",
      deliveryId: delivery.id,
      subscriptionId: delivery.subscriptionId,
      channel: delivery.subscription.channel,
      state: outcome.kind === "sent" ? "sent" : outcome.kind === "retry" ? "delayed" : "failed",
      detail: outcome.reply.slice(0, 500),
    });
  }

  async #attempt({ subscription, message, attempts, createdAt, id }: ClaimedDelivery): Promise<Attempt> {
    const content = message as unknown as AlertContent;
    const late = attempts > 1 ? `\n(delayed by ${Math.round((Date.now() - createdAt.getTime()) / 60_000)} min)\n` : "";
    if (subscription.channel === "webhook") {
      const key = deriveWebhookKey(this.#parts.webhookKey, subscription.id);
      return postWebhook(subscription.address, key, { deliveryId: id, subscriptionId: subscription.id, ...content });
    }
    const settings = await this.#mailSettings();
    if (typeof settings === "string") return { kind: "retry", reply: settings };
    const { subject, text } = content;
    return sendMail(settings, { to: subscription.address, subject, text: text + late });
  }

  /** From DATA/secrets/smtp.json, which may hold a password, else from the cluster's settings; a sentence when there are none. */
  async #mailSettings(): Promise<MailSettings | string> {
    const file = join(this.#parts.secretsFolder, SMTP_FILE);
    const given = existsSync(file)
      ? readJson(file)
      : await this.#parts.database.persistently((store) => store.settings.get(SMTP_SETTING));
    if (given === undefined) return `no mail server is configured (${SMTP_FILE} in the folder of secrets)`;
    const parsed = mailSettingsSchema.safeParse(given);
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    return `the mail server's settings are wrong: ${problems.join("; ")}`;
  }
}

function outcomeOf(attempt: Attempt, attempts: number): DeliveryOutcome {
  if (attempt.kind === "sent") return { kind: "sent", reply: attempt.reply };
  if (attempt.kind === "failed") return { kind: "failed", reply: attempt.reply };
  if (attempts >= ATTEMPTS_MAX)
    return { kind: "failed", reply: `given up after ${attempts} attempts: ${attempt.reply}` };
  return { kind: "retry", reply: attempt.reply, nextAttemptAt: new Date(Date.now() + retryDelayMs(attempts)) };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    return { host: "", problem: error instanceof Error ? error.message : String(error) };
  }
}
