/** Who is told about what. An address gets nothing but its code until it has answered with it. */
import type { FeedEventKind, FeedSeverity } from "@redoubt/shared";
import type { AlertSubscription, PrismaClient } from "../generated/manager/client.ts";
import { storableText } from "./storable.ts";

/** Wrong codes after which the code is void and a new one must be sent. */
const verificationFailuresMax = 5;

export interface NewSubscription {
  readonly id: string;
  readonly owner: string;
  readonly channel: "email" | "webhook";
  readonly address: string;
  /** Empty: all. */
  readonly events: readonly FeedEventKind[];
  readonly minimumSeverity: FeedSeverity;
  /** SHA-256 of the code, 64 hex digits. */
  readonly verificationCodeHash: string;
  readonly createdAt: Date;
}

export type VerificationOutcome = "verified" | "wrong-code" | "void" | "not-found";

export class SubscriptionRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  async add(subscription: NewSubscription): Promise<AlertSubscription> {
    const data = { ...subscription, address: storableText(subscription.address), events: [...subscription.events] };
    return this.#client.alertSubscription.create({ data });
  }

  /** Of one owner, or of everybody when `owner` is null; oldest first. */
  async list(owner: string | null): Promise<AlertSubscription[]> {
    const where = owner === null ? {} : { owner };
    return this.#client.alertSubscription.findMany({ where, orderBy: [{ createdAt: "asc" }, { id: "asc" }] });
  }

  async get(id: string): Promise<AlertSubscription | null> {
    return this.#client.alertSubscription.findUnique({ where: { id } });
  }

  /** Those that alerts may be sent to: verified and not flagged. */
  async active(): Promise<AlertSubscription[]> {
    return this.#client.alertSubscription.findMany({ where: { verifiedAt: { not: null }, flaggedAt: null } });
  }

  /** Compares the hash of the code that was typed in. A code is void after five wrong ones. */
  async verify(id: string, codeHash: string, at: Date): Promise<VerificationOutcome> {
    const pending = { id, verifiedAt: null, verificationFailures: { lt: verificationFailuresMax } };
    const { count } = await this.#client.alertSubscription.updateMany({
      where: { ...pending, verificationCodeHash: codeHash },
      data: { verifiedAt: at, verificationCodeHash: null },
    });
    if (count === 1) return "verified";
    await this.#client.alertSubscription.updateMany({
      where: pending,
      data: { verificationFailures: { increment: 1 } },
    });
    const current = await this.get(id);
    if (current === null) return "not-found";
    if (current.verifiedAt !== null) return "verified";
    return current.verificationFailures < verificationFailuresMax ? "wrong-code" : "void";
  }

  /** Notes that the address was refused for good. */
  async flag(id: string, because: string, at: Date): Promise<void> {
    const data = { flaggedAt: at, flaggedBecause: storableText(because) };
    await this.#client.alertSubscription.updateMany({ where: { id, flaggedAt: null }, data });
  }

  /** With its deliveries. False when there is none. */
  async remove(id: string): Promise<boolean> {
    return (await this.#client.alertSubscription.deleteMany({ where: { id } })).count === 1;
  }
}
