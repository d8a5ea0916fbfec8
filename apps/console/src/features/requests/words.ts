import type { RequestHistory } from "../../live/types.ts";
import type { Tone } from "../../ui/tone.ts";

export const logTones: Record<RequestHistory["log"], Tone> = { L1: "bad", L2: "good", L3: "accent" };
export const logWords: Record<RequestHistory["log"], string> = {
  L1: "L1, malformed",
  L2: "L2, verified",
  L3: "L3, under way",
};

export const hopTones: Record<RequestHistory["hops"][number]["tone"], Tone> = {
  plain: "idle",
  good: "good",
  warn: "warn",
  bad: "bad",
};

export const guiltWords: Record<NonNullable<RequestHistory["fault"]>["guilty"], string> = {
  request: "The request",
  "execution-server": "The execution server",
  "state-replica": "A state replica",
  "acceptance-test-server": "An acceptance test server",
  "acceptance-test": "The acceptance test",
  network: "The network, or nobody that can be told",
  nobody: "Nobody",
  undecided: "Not decided yet",
};
