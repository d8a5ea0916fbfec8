/**
 * Words for what an application's code tried and may not (REQUIREMENTS A19, A29, A30): seen by the worker's own watch, which
 * shares its memory with that code and can be silenced by it, or by the kernel, which cannot (ADR 0015).
 */
export const attemptActs = [
  "read-file",
  "write-file",
  /** A connection, a listening socket, a datagram or a name looked up. */
  "network",
  /** A connection to one of the cluster's own databases. */
  "database",
  /** Another program. */
  "process",
  /** A signal to a process that is not its own. */
  "signal",
  "environment",
  /** A thread beyond the limit, or one that would not be confined. */
  "thread",
  "native-code",
  /** The kernel's filter ended the process. */
  "system-call",
  /** Computation while no request was inside. */
  "computation",
] as const;

export type AttemptAct = (typeof attemptActs)[number];

/** Who saw an attempt: the watch inside the worker, the execution server's shell, or the kernel. */
export const attemptWitnesses = ["worker", "shell", "kernel"] as const;
export type AttemptWitness = (typeof attemptWitnesses)[number];

/** What an execution server tells of an attempt in one of its workers. */
export interface AttemptReport {
  /** Milliseconds since 1970, on the server's clock. */
  readonly at: number;
  readonly act: AttemptAct;
  /** What it was aimed at: a path, an address, a name. At most {@link ATTEMPT_TARGET_LENGTH_MAX} characters. */
  readonly target: string;
  readonly witness: AttemptWitness;
  /** Operation and request in which it happened, where that is known. */
  readonly operation: string | null;
  readonly requestId: string | null;
  /** Equal attempts in one report. */
  readonly count: number;
}

export const ATTEMPT_TARGET_LENGTH_MAX = 200;
/** Different attempts in one report. */
export const ATTEMPTS_PER_REPORT_MAX = 32;
