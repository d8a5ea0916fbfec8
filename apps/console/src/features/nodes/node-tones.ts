import type { NodeState, ServerState } from "@redoubt/shared";
import type { Tone } from "../../ui/tone.ts";

/** Unknown is a state of its own: grey, never green. */
export const nodeStateTones: Record<NodeState, Tone> = {
  up: "good",
  suspect: "warn",
  down: "bad",
  flapping: "warn",
  isolated: "bad",
  rejuvenating: "accent",
  unknown: "idle",
};

export const serverStateTones: Record<ServerState, Tone> = {
  starting: "accent",
  up: "good",
  suspect: "warn",
  down: "bad",
  stopping: "idle",
  discarded: "bad",
  unknown: "idle",
};
