/** What a failed call says to the person who made it: the manager's own sentence, never a stack or a code alone. */
import type { AdministrationRouter } from "@redoubt/cluster/api";
import { TRPCClientError } from "@trpc/client";

export interface Problem {
  sentence: string;
  /** What was asked for does not exist: asking again will not help. */
  isMissing: boolean;
  /** Per input field, for forms. */
  fields: Record<string, string>;
}

export function problemOf(error: unknown): Problem {
  if (error instanceof TRPCClientError) {
    const known = error as TRPCClientError<AdministrationRouter>;
    const fields = Object.fromEntries((known.data?.fields ?? []).map(({ field, expected }) => [field, expected]));
    const isMissing = known.data?.code === "NOT_FOUND";
    if (known.data?.code === "UNAUTHORIZED")
      return { sentence: "Your session has ended. Log in again.", isMissing, fields };
    if (known.data !== undefined && known.data !== null) return { sentence: known.message, isMissing, fields };
  }
  return { sentence: "The configuration manager cannot be reached.", isMissing: false, fields: {} };
}
