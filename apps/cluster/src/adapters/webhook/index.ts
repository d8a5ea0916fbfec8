/** Alerts by HTTP POST. */
export { deriveWebhookKey, postWebhook, SIGNATURE_HEADER, signWebhook, type WebhookOutcome } from "./post-webhook.ts";
