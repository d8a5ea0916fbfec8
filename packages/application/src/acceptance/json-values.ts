/**
 * Comparing and walking JSON values that a client or an execution server made: only own properties count, so a key named
 * `__proto__` is a key like any other.
 */
type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Deep equality of two JSON values; the order of keys does not count. */
export function jsonEqual(first: unknown, second: unknown): boolean {
  if (first === second) return true;
  if (Array.isArray(first) && Array.isArray(second))
    return first.length === second.length && first.every((item, index) => jsonEqual(item, second[index]));
  if (!isObject(first) || !isObject(second)) return false;
  const keys = Object.keys(first);
  return (
    keys.length === Object.keys(second).length &&
    keys.every((key) => Object.hasOwn(second, key) && jsonEqual(first[key], second[key]))
  );
}

/** Names of the top-level fields in which two objects differ; undefined when one of them is no JSON object. */
export function changedFields(before: unknown, after: unknown): string[] | undefined {
  if (!isObject(before) || !isObject(after)) return jsonEqual(before, after) ? [] : undefined;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter(
    (name) => !(Object.hasOwn(before, name) && Object.hasOwn(after, name) && jsonEqual(before[name], after[name])),
  );
}

/** Collects every text and number of a JSON value into `values` and every key into `keys`. */
export function collectText(value: unknown, values: string[], keys: string[]): void {
  if (typeof value === "string") values.push(value);
  else if (typeof value === "number") values.push(String(value));
  else if (Array.isArray(value)) for (const item of value) collectText(item, values, keys);
  else if (isObject(value))
    for (const key of Object.keys(value)) {
      keys.push(key);
      collectText(value[key], values, keys);
    }
}
