/**
 * Takes an application's reply ({status, body} as canonical JSON text) apart for HTTP. The text was vouched for by t+1
 * members, but its words are the application's: whatever it is, the answer is a value and never an exception.
 */
export interface SplitReply {
  readonly status: number;
  readonly bodyText: string;
}

const CANONICAL = /^\{"body":([\s\S]*),"status":(\d{3})\}$/;

/** Undefined when the text is no reply with status 200 or 4xx. */
export function splitReply(reply: string): SplitReply | undefined {
  const canonical = CANONICAL.exec(reply);
  const parsed = parse(reply);
  if (!parsed) return undefined;
  const { status, body } = parsed;
  if (status !== 200 && !(typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 499))
    return undefined;
  // The text itself where it has the canonical form: byte-identical for every repeat, whatever JSON.stringify would do.
  const bodyText = canonical && parse(canonical[1] ?? "") !== undefined ? canonical[1] : JSON.stringify(body);
  return bodyText === undefined ? undefined : { status: status as number, bodyText };
}

function parse(text: string): { readonly status?: unknown; readonly body?: unknown } | undefined {
  try {
    return Object(JSON.parse(text)) as { status?: unknown; body?: unknown };
  } catch {
    return undefined;
  }
}

export const contentTypeOf = (status: number): string =>
  status === 200 ? "application/json" : "application/problem+json";
