/** What a failed query means to its caller, whichever way Prisma reports it. */

/** Postgres codes of failures that a repeated transaction may not meet again: connection, shutdown, serialization. */
const transientPostgresCodes = /^(08|57P0|53|40001|40P01)/;
/** Prisma's codes for: unreachable, timed out, closed, pool exhausted, transaction not started, write conflict. */
const transientPrismaCodes = new Set(["P1001", "P1002", "P1008", "P1017", "P2024", "P2028", "P2034"]);
const transientSystemCodes = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);
/** Names by which adapter-pg reports some of the same. */
const transientDriverKinds = new Set([
  "ConnectionClosed",
  "DatabaseNotReachable",
  "SocketTimeout",
  "TooManyConnections",
  "TransactionWriteConflict",
]);
const transientMessage =
  /connection terminated|connection ended|server closed the connection|can't reach database|not queryable|client has encountered a connection error/i;
const uniqueViolation = "P2002";
const causesMax = 5;

/** A row with the same unique value exists already. */
export function isUniqueViolation(error: unknown): boolean {
  return causesOf(error)[0]?.code === uniqueViolation;
}

/**
 * May the same work succeed when it is done again, because the database was not reachable or busy?
 *
 * Nothing is known about whether the failed work took effect: only work that may be repeated should be.
 */
export function isTransient(error: unknown): boolean {
  return causesOf(error).some((cause) => {
    const { code, originalCode, kind, message } = cause;
    if ([code, originalCode].some((each) => typeof each === "string" && isTransientCode(each))) return true;
    if (typeof kind === "string" && transientDriverKinds.has(kind)) return true;
    return typeof message === "string" && transientMessage.test(message);
  });
}

interface Cause {
  readonly code?: unknown;
  readonly originalCode?: unknown;
  readonly kind?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly meta?: { readonly driverAdapterError?: unknown };
}

/** The error and what it says caused it; Prisma keeps the driver's error in `meta`. */
function causesOf(error: unknown): Cause[] {
  const causes: Cause[] = [];
  let current = error;
  while (typeof current === "object" && current !== null && causes.length < causesMax) {
    const cause: Cause = current;
    causes.push(cause);
    current = cause.cause ?? cause.meta?.driverAdapterError;
  }
  return causes;
}

function isTransientCode(code: string): boolean {
  return transientPrismaCodes.has(code) || transientSystemCodes.has(code) || transientPostgresCodes.test(code);
}
