/** What a failed query means to its caller, whichever way Prisma reports it. */

/** Postgres codes of failures that a repeated transaction may not meet again: connection, shutdown, serialization. */
const transientPostgresCodes = /^(08|57P0|53|40001|40P01)/;
/** Prisma's codes for: unreachable, timed out, closed, pool exhausted, transaction not started, write conflict. */
const transientPrismaCodes = new Set(["P1001", "P1002", "P1008", "P1017", "P2024", "P2028", "P2034"]);
const transientSystemCodes = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);
const transientMessage =
  /connection terminated|connection ended|server closed the connection|can't reach database|not queryable|client has encountered a connection error/i;
const uniqueViolation = "P2002";
const causesMax = 5;

/** A row with the same unique value exists already. */
export function isUniqueViolation(error: unknown): boolean {
  return codeOf(error) === uniqueViolation;
}

/**
 * May the same work succeed when it is done again, because the database was not reachable or busy?
 *
 * Nothing is known about whether the failed work took effect: only work that may be repeated should be.
 */
export function isTransient(error: unknown): boolean {
  let current: unknown = error;
  for (let depth = 0; depth < causesMax && typeof current === "object" && current !== null; depth++) {
    const code = codeOf(current);
    if (code !== undefined && isTransientCode(code)) return true;
    if (current instanceof Error && transientMessage.test(current.message)) return true;
    current = (current as { cause?: unknown }).cause;
  }
  return false;
}

function isTransientCode(code: string): boolean {
  return transientPrismaCodes.has(code) || transientSystemCodes.has(code) || transientPostgresCodes.test(code);
}

/** Prisma's own code, or the one of the driver below it. */
function codeOf(error: unknown): string | undefined {
  const { code, originalCode } = (error ?? {}) as { code?: unknown; originalCode?: unknown };
  if (typeof code === "string") return code;
  return typeof originalCode === "string" ? originalCode : undefined;
}
