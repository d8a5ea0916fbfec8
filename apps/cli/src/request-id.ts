/** Request ids are 64 hex digits; tables show the first twelve, which people may give back. */
import type { Administration } from "./administration.ts";
import { CommandFailure } from "./failure.ts";

const WHOLE = /^[0-9a-f]{64}$/;
const BEGINNING = /^[0-9a-f]{6,63}$/;
const LOGS = ["L1", "L3", "L2"] as const;
const LOOKED_AT = 500;

/** The whole id: as given, or the only one among the newest of each log that begins so. */
export async function wholeRequestId(administration: Administration, given: string): Promise<string> {
  const text = given.toLowerCase();
  if (WHOLE.test(text)) return text;
  if (!BEGINNING.test(text))
    throw new CommandFailure(`requestId: 64 hex digits, or the first 6 or more of them, expected, got ${given}`, 2);
  const pages = await Promise.all(
    LOGS.map((log) => administration.requests.log.query({ log, limit: LOOKED_AT }).then(({ entries }) => entries)),
  );
  const found = onlyMatch(text, pages.flat());
  if (found === "none") throw new CommandFailure(`no request of late begins with ${text}; give its whole id`);
  if (found === "several") throw new CommandFailure(`several requests begin with ${text}; give more of the id`);
  return found.requestId;
}

export function onlyMatch(
  beginning: string,
  entries: readonly { readonly requestId: string | null }[],
): { readonly requestId: string } | "none" | "several" {
  const ids = new Set(entries.flatMap(({ requestId }) => (requestId?.startsWith(beginning) ? [requestId] : [])));
  const [first, ...others] = ids;
  if (first === undefined) return "none";
  return others.length === 0 ? { requestId: first } : "several";
}
