/**
 * The change record that acceptance is decided on, and its outcome. Built by the trusted side (replica, acceptance test
 * server, simulator) from what it stored itself; values are JSON values, null stands for "the object does not exist".
 */

/** An object the execution read, with the value of the version it named. */
export interface RecordedRead {
  readonly object: string;
  readonly value: unknown;
  /** Schema version it is stored in; absent: that of the version that judges. */
  readonly schema?: number;
}

/** An object the execution wrote: the value before (null: absent) and after. */
export interface RecordedWrite {
  readonly object: string;
  readonly before: unknown;
  /** Schema versions they are stored in; absent: that of the version that judges. */
  readonly beforeSchema?: number;
  readonly after: unknown;
  readonly afterSchema?: number;
}

/** An object the execution server asked for, or named in its change, as the state replica logged it. */
export interface RecordedAccess {
  readonly object: string;
  readonly mode: "fetch" | "read" | "write";
  readonly granted: boolean;
}

export interface AcceptanceRecord {
  readonly operation: string;
  /** Content address of the application bundle the ticket names. */
  readonly applicationVersion: string;
  readonly input: unknown;
  readonly principal: string;
  /** Admission time, milliseconds since 1970. */
  readonly now: number;
  readonly reads: readonly RecordedRead[];
  readonly writes: readonly RecordedWrite[];
  /** Absent when the log is lost: no failure. */
  readonly accesses?: readonly RecordedAccess[];
  readonly reply: { readonly status: number; readonly body: unknown };
}

/** Outcome of an acceptance test. `check` is a stable name, `detail` a sentence for administrators. */
export type AcceptanceOutcome =
  | { readonly pass: true }
  | { readonly pass: false; readonly check: string; readonly detail: string };
