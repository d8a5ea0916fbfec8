/**
 * One JSON document posted to one URL, signed so that its receiver can tell it from anybody else's: the header carries
 * HMAC-SHA-256 over time and body under a key that the receiver got with its verification code. It keeps nothing and
 * repeats nothing; the outbox does. Redirects are not followed, so an address that was verified stays the one that is used.
 */
import { createHmac } from "node:crypto";

export const SIGNATURE_HEADER = "redoubt-signature";

export type WebhookOutcome =
  | { readonly kind: "sent"; readonly reply: string }
  | { readonly kind: "retry"; readonly reply: string }
  | { readonly kind: "failed"; readonly reply: string; readonly refused: boolean };

const TIMEOUT_MS = 10_000;
const REPLY_MAX = 500;
/** Replies after which the same request may succeed later. */
const LATER = new Set([408, 425, 429, 451]);
const GONE = 410;

/** The key of one subscription, from the cluster's own. */
export const deriveWebhookKey = (clusterKey: string, subscriptionId: string): string =>
  createHmac("sha256", clusterKey).update(subscriptionId).digest("base64url");

/** `t=<seconds since 1970>,v1=<hex>` over `<seconds>.<body>`. */
export function signWebhook(key: string, body: string, atMs: number): string {
  const seconds = Math.floor(atMs / 1000);
  return `t=${seconds},v1=${createHmac("sha256", key).update(`${seconds}.${body}`).digest("hex")}`;
}

export async function postWebhook(url: string, key: string, content: unknown): Promise<WebhookOutcome> {
  const body = JSON.stringify(content);
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        "content-type": "application/json",
        "user-agent": "redoubt",
        [SIGNATURE_HEADER]: signWebhook(key, body, Date.now()),
      },
    });
    await response.body?.cancel();
    const reply = `${response.status} ${response.statusText}`.slice(0, REPLY_MAX);
    if (response.ok) return { kind: "sent", reply };
    if (response.status >= 500 || LATER.has(response.status)) return { kind: "retry", reply };
    return { kind: "failed", reply, refused: response.status === GONE };
  } catch (error) {
    const cause = (error as { cause?: { message?: unknown } }).cause?.message;
    const reply = String(cause ?? (error instanceof Error ? error.message : error)).slice(0, REPLY_MAX);
    return { kind: "retry", reply };
  }
}
