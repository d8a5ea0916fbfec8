/** Times and bounds of the consensus machine (docs/PROTOCOL.md §8). Only liveness depends on them. */
export const PAXOS_LIMITS = {
  /** A follower that heard nothing from a leader for this long, plus up to as much again at random, asks for votes. */
  electionTimeoutMs: 150,
  heartbeatMs: 50,
  /** A message of an election, or an accept, without answer is sent again. */
  resendMs: 100,
  /** A leader that no majority has answered for this long stands down. */
  contactLostMs: 600,
  /** A follower asks for the same missing slots at most this often. */
  catchUpMs: 50,
  /** How often the decided slot is written down; only saves work after a restart and lets memory be freed. */
  checkpointMs: 500,
  /** Slots proposed and not yet decided. */
  windowSlots: 64,
  batchCommandsMax: 1024,
  /** Sum of command sizes in one slot; a single larger command still gets a slot of its own. */
  batchBytesMax: 256 * 1024,
  /** Sum of command sizes in one message, with the same exception. */
  messageBytesMax: 1024 * 1024,
  /** Commands waiting for a slot; more are dropped and asked for again by whoever needs them. */
  queuedCommandsMax: 65_536,
  /** Decided entries kept for a peer that missed some; one that missed more gets a snapshot. */
  keptSlotsMax: 2_048,
  keptBytesMax: 16 * 1024 * 1024,
  /** Journals are cut this many slots at a time, at a multiple of so many records. */
  truncateSlots: 1_024,
  markRecords: 256,
  /** Pause between two parts of a snapshot: with parts of 256 KiB at most 64 MiB/s. */
  snapshotPauseMs: 4,
  /** A part of a snapshot without answer is asked for again. */
  snapshotResendMs: 200,
  /** A source that gave nothing for this long is given up; the next offer is taken. */
  snapshotLostMs: 2_000,
  /** A snapshot nobody fetches from any more is dropped. */
  snapshotKeptMs: 10_000,
  /** A master without its journal counts again once it is no farther behind than this. */
  admissionSlots: 64,
  /** Servers outside the membership that a leader sends to. */
  strangersMax: 16,
} as const;

if (PAXOS_LIMITS.heartbeatMs * 2 >= PAXOS_LIMITS.electionTimeoutMs) {
  throw new Error("limits: one lost heartbeat must not start an election");
}
if (PAXOS_LIMITS.batchBytesMax > PAXOS_LIMITS.messageBytesMax) throw new Error("limits: a batch must fit a message");
if (PAXOS_LIMITS.admissionSlots >= PAXOS_LIMITS.keptSlotsMax) {
  throw new Error("limits: who is to be admitted must be able to get the last entries");
}
