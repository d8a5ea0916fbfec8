/**
 * What the cores need to know about the protected application, as one small interface, so that they import neither the
 * contract's package nor any code of the developer. The driver builds it from the contract's JSON; every component
 * builds its own and believes nobody else's answers (PROTOCOL §4). It never runs the application.
 */
import type { LoggedAccess, ObjectClusterNumber, RequestId, Result, ServerName, Verdict } from "@redoubt/shared";

/** `write` replaces an object, `create` makes an absent one; both include reading it. */
export type AccessMode = "read" | "write" | "create";

export interface DeclaredAccess {
  readonly object: string;
  readonly mode: AccessMode;
}

/**
 * All methods are pure and total: they never throw, whatever the texts hold (they come from clients).
 *
 * The operation {@link GENESIS_OPERATION} belongs to every application: its input is {@link genesisInput}, its access
 * `create` of every object listed there; an object that the contract's genesis does not have is an error.
 */
export interface ApplicationPort {
  /** Content address of the bundle: what tickets name. */
  readonly version: string;
  /** Objects an operation with this input (canonical JSON text) may touch, each once. The error says which field is wrong. */
  evaluateAccess(operation: string, inputText: string): Result<readonly DeclaredAccess[], string>;
  /** Object cluster of an object by its correlation key; undefined when no object type of the contract has such names. */
  clusterOf(object: string): ObjectClusterNumber | undefined;
  isReadOnly(operation: string): boolean;
  /** The object cluster of the request record where the contract names one; undefined: the lowest one accessed. */
  homeOf(operation: string, inputText: string): ObjectClusterNumber | undefined;
  /** How long one execution may take, in milliseconds. */
  deadlineMsOf(operation: string): number;
  /** Canonical JSON text of an object's first value; undefined when it is not in the contract's genesis. */
  genesisValue(object: string): string | undefined;
}

/** The internal request that creates the first objects, one per object cluster. */
export const GENESIS_OPERATION = "genesis";

/** Canonical input text of {@link GENESIS_OPERATION} for these objects (ascending, plain names). */
export const genesisInput = (objects: readonly string[]): string => JSON.stringify({ objects });

/** Canonical JSON text of a reply; `bodyText` is the body's canonical JSON text. */
export const composeReply = (status: number, bodyText: string): string => `{"body":${bodyText},"status":${status}}`;

/** The only reply to {@link GENESIS_OPERATION}. */
export const GENESIS_REPLY = composeReply(200, "null");

/** One object of a change as an acceptance test sees it; bytes are canonical JSON text, null: the object does not exist. */
export interface TestedRead {
  readonly object: string;
  readonly bytes: string | null;
}

export interface TestedWrite {
  readonly object: string;
  readonly before: string | null;
  readonly after: string;
}

/** Run the acceptance test on this record outside the core; answered exactly once by an {@link AcceptanceTestedInput}. */
export interface AcceptanceTestEffect {
  readonly kind: "test";
  /** Names the test; unique among those not answered yet. */
  readonly test: string;
  /** Whose work it is, for what only many of its replies together show. */
  readonly executionServer: ServerName;
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly applicationVersion: string;
  readonly operation: string;
  readonly input: string;
  readonly principal: string;
  /** Admission time of the request, milliseconds since 1970. */
  readonly now: number;
  readonly reads: readonly TestedRead[];
  readonly writes: readonly TestedWrite[];
  /** Everything this server saw accessed under the ticket: one outside the access templates fails the test. */
  readonly accesses: readonly LoggedAccess[];
  /** Canonical JSON text of {status, body}. */
  readonly reply: string;
}

/** A further version of the application is at hand: requests it admitted can be served from now on. */
export interface ApplicationLoadedInput<Version extends ApplicationPort = ApplicationPort> {
  readonly kind: "loaded";
  readonly application: Version;
}

export interface AcceptanceTestedInput {
  readonly kind: "tested";
  readonly test: string;
  readonly verdict: Verdict;
}

/**
 * Verdict on a genesis request, which needs no application code: every object listed is written with its first value
 * if, and only if, it does not exist.
 */
export function judgeGenesis(
  application: ApplicationPort | undefined,
  record: Pick<AcceptanceTestEffect, "input" | "reads" | "writes" | "reply">,
): Verdict {
  const wrong = (detail: string): Verdict => ({ kind: "fail", check: "genesis", detail });
  if (!application) return { kind: "unable", detail: "the version that lists the first objects is not here" };
  const access = application.evaluateAccess(GENESIS_OPERATION, record.input);
  if (!access.ok) return wrong(access.error);
  if (record.reply !== GENESIS_REPLY) return wrong("the reply is not the genesis reply");
  const written = new Map(record.writes.map((write) => [write.object, write]));
  const read = new Map(record.reads.map((entry) => [entry.object, entry.bytes]));
  for (const { object } of access.value) {
    const before = read.get(object);
    if (before === undefined) return wrong(`${object} was not read`);
    const write = written.get(object);
    if ((before === null) !== (write !== undefined))
      return wrong(`${object} must be written exactly when it is absent`);
    if (write && write.after !== application.genesisValue(object)) return wrong(`${object} has another first value`);
  }
  return written.size <= access.value.length ? { kind: "pass" } : wrong("it wrote objects that are not listed");
}
