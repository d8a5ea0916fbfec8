/** The phases of a request's life at the regulator, by its states; the words for them. */
export type PhaseName =
  | "looked up"
  | "waiting"
  | "executing"
  | "collecting"
  | "settling"
  | "surviving"
  | "shadow runs"
  | "closing"
  | "fetching";

export interface Phase {
  name: PhaseName;
  fromMs: number;
  toMs: number;
}

/** States of the regulator's table in which it waits for something itself; `running` is two phases. */
export const phaseOfState: Partial<Record<string, PhaseName>> = {
  checking: "looked up",
  waiting: "waiting",
  doomed: "settling",
  surviving: "surviving",
  shadowing: "shadow runs",
  closing: "closing",
  fetching: "fetching",
};

/** What a phase means, for whoever reads it for the first time. */
export const phaseTitles: Record<PhaseName, string> = {
  "looked up": "Looked up at the masters",
  waiting: "Waiting in L3",
  executing: "Executed and stored, until the first member's answer",
  collecting: "Until every member and enough verdicts",
  settling: "Settlement of a new epoch",
  surviving: "Waiting for the survivor's verdicts",
  "shadow runs": "Shadow runs: who was at fault?",
  closing: "Closing its id at the masters",
  fetching: "Fetching the reply's text",
};
