/** Plain data about alert subscriptions and what was delivered to them. */
import type { FeedEventKind, FeedSeverity } from "@redoubt/shared";

export type AlertChannel = "email" | "webhook";

export interface Subscription {
  subscriptionId: string;
  owner: string;
  channel: AlertChannel;
  /** E-mail address or http(s) URL. */
  address: string;
  minimumSeverity: FeedSeverity;
  /** Only these kinds of events; empty means all. */
  kinds: FeedEventKind[];
  /** An unverified address gets nothing but its code; a flagged one was refused for good by its server. */
  state: "unverified" | "active" | "flagged";
  createdAt: string;
  verifiedAt: string | null;
  flaggedBecause: string | null;
}

export interface NewSubscription {
  channel: AlertChannel;
  address: string;
  minimumSeverity: FeedSeverity;
  kinds: FeedEventKind[];
}

export interface Delivery {
  deliveryId: string;
  subscriptionId: string;
  channel: AlertChannel;
  address: string;
  purpose: "verification" | "test" | "event";
  eventNumber: number | null;
  subject: string;
  state: "queued" | "sent" | "delayed" | "failed";
  queuedAt: string;
  nextAttemptAt: string | null;
  attempts: { at: string; ok: boolean; reply: string }[];
}
