/** Walking and changing JSON values by path, for what a captured server would change. Values are never changed in place. */

export type Path = readonly (string | number)[];

export interface Leaf {
  readonly path: Path;
  readonly value: string | number | boolean | null;
}

const LEAVES_MAX = 60;

/** Texts, numbers, truth values and nulls of a JSON value, in order; of very large values the first ones. */
export function leavesOf(value: unknown): Leaf[] {
  const found: Leaf[] = [];
  walk(value, [], found);
  return found;
}

function walk(value: unknown, path: Path, found: Leaf[]): void {
  if (found.length >= LEAVES_MAX) return;
  if (Array.isArray(value)) for (const [index, item] of value.entries()) walk(item, [...path, index], found);
  else if (typeof value === "object" && value !== null)
    for (const name of Object.keys(value)) walk((value as Record<string, unknown>)[name], [...path, name], found);
  else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null)
    found.push({ path, value });
}

export const numbersOf = (value: unknown): { readonly path: Path; readonly value: number }[] =>
  leavesOf(value).flatMap(({ path, value: leaf }) => (typeof leaf === "number" ? [{ path, value: leaf }] : []));

export const textsOf = (value: unknown): { readonly path: Path; readonly value: string }[] =>
  leavesOf(value).flatMap(({ path, value: leaf }) => (typeof leaf === "string" ? [{ path, value: leaf }] : []));

/** The value at a path, undefined when there is none. */
export function at(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}

/** A copy with another value at the path; `undefined` takes the field or item away. */
export function withLeaf(value: unknown, path: Path, leaf: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return leaf;
  if (Array.isArray(value)) {
    const items: unknown[] = [...(value as unknown[])];
    const index = Number(step);
    if (rest.length === 0 && leaf === undefined) items.splice(index, 1);
    else items[index] = withLeaf(items[index], rest, leaf);
    return items;
  }
  const copy = { ...(value as Record<string, unknown>) };
  if (rest.length === 0 && leaf === undefined) delete copy[step];
  else copy[step] = withLeaf(copy[step], rest, leaf);
  return copy;
}

/** Lists in a JSON value. */
export function listsOf(
  value: unknown,
  path: Path = [],
): { readonly path: Path; readonly items: readonly unknown[] }[] {
  if (Array.isArray(value))
    return [{ path, items: value }, ...value.slice(0, 3).flatMap((item, index) => listsOf(item, [...path, index]))];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => listsOf(field, [...path, name]));
}

/** `reply.lines[].amount`: a path as developers write it, whatever the index. */
export const pathText = (path: Path): string =>
  path.map((step, index) => (typeof step === "number" ? "[]" : index === 0 ? step : `.${step}`)).join("");
