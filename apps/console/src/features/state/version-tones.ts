import type { StateVersion } from "../../live/types.ts";
import type { Tone } from "../../ui/tone.ts";

export const versionTones: Record<StateVersion["status"], Tone> = {
  pending: "accent",
  verified: "good",
  invalid: "bad",
};

/** What a status means, for whoever reads it for the first time. */
export const statusSentences: Record<StateVersion["status"], string> = {
  pending: "Stored by replicas, not decided by the masters yet.",
  verified: "Tested, stored by the replicas and decided by the masters.",
  invalid: "Never verified and never will be: an acceptance test found its change wrong, or a settlement left it out.",
};

/** Names a version of an object: two versions may share a number, never number and epoch. */
export const keyOf = ({ number, epoch }: { number: number; epoch: number }): string => `${number}.${epoch}`;
