/** How many servers tolerate how many faults. Nothing else. (Paper §3.4.) */

/** 2f+1 masters or 2t+1 replicas for f or t faults. */
export const replicationDegree = (faultsTolerated: number): number => 2 * faultsTolerated + 1;

/** Faults that `servers` tolerate by design: the largest f with 2f+1 ≤ servers; 0 for none or one. */
export const faultsToleratedBy = (servers: number): number => Math.max(0, Math.floor((servers - 1) / 2));

/** Crash-fault majority of a group of `servers` masters. */
export const majority = (servers: number): number => Math.floor(servers / 2) + 1;

/** Matching answers of an object cluster that contain at least one of a correct member: t+1. */
export const vouching = (faultsTolerated: number): number => faultsTolerated + 1;
