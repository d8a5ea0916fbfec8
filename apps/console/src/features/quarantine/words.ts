/** How reasons and states of quarantined requests read, and which meaning their colour has. */
import { checkTitle, type QuarantineReason, type QuarantineState } from "@redoubt/shared";
import type { Tone } from "../../ui/tone.ts";

export const reasonTitles: Record<QuarantineReason, string> = {
  signature: "Signature",
  rule: "Screening rule",
  "acceptance-test": "Acceptance test",
  "access-violation": "Access outside the set",
  "checksum-mismatch": "C1 mismatch",
  "repeated-timeout": "Repeated timeout",
  crash: "Crash",
  leak: "Leak",
  "replica-flood": "Replica flood",
  "intrusion-detection": "Intrusion detection",
};

/** What the failed check asks for; what a signature or rule is called is its own name. */
export function checkWords({ reason, check }: { reason: QuarantineReason; check: string }): string {
  return reason === "signature" || reason === "rule" ? check : checkTitle(check);
}

export const stateTitles: Record<QuarantineState, string> = {
  new: "New",
  claimed: "Claimed",
  "waiting-second": "Waiting for a second person",
  released: "Released",
  confirmed: "Confirmed",
  expired: "Expired",
};

export const stateTones: Record<QuarantineState, Tone> = {
  new: "warn",
  claimed: "accent",
  "waiting-second": "accent",
  released: "good",
  confirmed: "bad",
  expired: "idle",
};

export const undecidedStates: readonly QuarantineState[] = ["new", "claimed", "waiting-second"];

export function isDecided(state: QuarantineState): boolean {
  return !undecidedStates.includes(state);
}
