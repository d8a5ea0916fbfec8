/** Order of ballots: by round, then by the proposer's place in the membership, so that no two proposers share one. */
import type { Ballot } from "@redoubt/shared";

/** Below every real ballot. */
export const NO_BALLOT: Ballot = { round: 0, master: -1 };

/** Negative, zero or positive, as `Array.prototype.sort` wants it. */
export const compareBallots = (left: Ballot, right: Ballot): number =>
  left.round - right.round || left.master - right.master;

export const areBallotsEqual = (left: Ballot, right: Ballot): boolean => compareBallots(left, right) === 0;
