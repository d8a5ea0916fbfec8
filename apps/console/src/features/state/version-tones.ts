import type { StateVersion } from "../../live/types.ts";
import type { Tone } from "../../ui/tone.ts";

export const versionTones: Record<StateVersion["status"], Tone> = {
  pending: "accent",
  verified: "good",
  invalid: "bad",
};
