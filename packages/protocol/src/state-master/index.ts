/** The state master: metadata of objects and requests, decided by Multi-Paxos among 2f+1 masters (paper §3.4). */
export * from "./commands.ts";
export { createStateMaster, DamagedVotesError } from "./state-master.ts";
export * from "./types.ts";
