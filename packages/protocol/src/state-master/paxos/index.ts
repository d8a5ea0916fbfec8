/** Multi-Paxos, generic in its command (docs/PROTOCOL.md §8). */
export { createPaxos } from "./paxos.ts";
export type {
  InstalledSnapshot,
  Paxos,
  PaxosCheckpoint,
  PaxosConfiguration,
  PaxosEffect,
  PaxosRecord,
} from "./paxos-types.ts";
export { PAXOS_LIMITS } from "./timing.ts";
