/** Inputs of the two questions behind the counts in the navigation; the layout asks the same ones for the first paint. */
import type { QuarantineState } from "@redoubt/shared";

const undecided: QuarantineState[] = ["new", "claimed", "waiting-second"];

export const undecidedInput = { states: undecided, limit: 1 };
export const openIncidentsInput = { openOnly: true, limit: 100 };
