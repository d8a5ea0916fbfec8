/** What somebody means who types into the search box: a request by its id or its beginning, or an object by its name. Pure. */
export type Wanted =
  | { kind: "request"; requestId: string }
  | { kind: "beginning"; beginning: string }
  | { kind: "object"; object: string }
  | { kind: "unclear"; sentence: string };

const whole = /^[0-9a-f]{64}$/;
const beginning = /^[0-9a-f]{6,63}$/;
const object = /^[a-z][a-z0-9-]*\/.+$/;

export function wantedBy(typed: string): Wanted {
  const text = typed.trim();
  const digits = text.toLowerCase().replace(/…$/, "");
  if (whole.test(digits)) return { kind: "request", requestId: digits };
  if (beginning.test(digits)) return { kind: "beginning", beginning: digits };
  if (object.test(text)) return { kind: "object", object: text };
  return { kind: "unclear", sentence: "A request id, its first 6 digits or more, or an object such as account/1." };
}

/** The only request that begins so among those given. */
export function onlyMatch(
  digits: string,
  entries: readonly { readonly requestId: string | null }[],
): { requestId: string } | { sentence: string } {
  const ids = new Set(entries.flatMap(({ requestId }) => (requestId?.startsWith(digits) ? [requestId] : [])));
  const [first, ...others] = ids;
  if (first === undefined) return { sentence: `No request of late begins with ${digits}; give its whole id.` };
  return others.length === 0
    ? { requestId: first }
    : { sentence: `Several requests begin with ${digits}; give more of the id.` };
}
