/**
 * Is every value of one JSON Schema also one of another? Answered by their structure, for the schemas that zod writes, and
 * cautiously: what is not understood must be equal. So "no" may be too strict, and "yes" is always right.
 */
import type { JsonSchema } from "./contract-json.ts";

/** Why not every value of the first is one of the second: field as a path, and a sentence. */
export interface Narrowing {
  readonly path: string;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    isFields(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );

/** Words about a value for people, which restrict nothing. */
const ANNOTATIONS: ReadonlySet<string> = new Set(["$schema", "title", "description", "default", "examples"]);
/** Lower bounds must not rise, upper bounds must not fall. */
const LOWER = ["minimum", "exclusiveMinimum", "minLength", "minItems"] as const;
const UPPER = ["maximum", "exclusiveMaximum", "maxLength", "maxItems"] as const;
const UNDERSTOOD: ReadonlySet<string> = new Set([
  ...LOWER,
  ...UPPER,
  ...["type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "oneOf"],
]);

/** Empty: every value of `inner` is one of `outer`. */
export function narrowings(inner: JsonSchema, outer: JsonSchema, path = ""): Narrowing[] {
  if (textOf(plain(inner)) === textOf(plain(outer)) || Object.keys(plain(outer)).length === 0) return [];
  const alternatives = alternativesOf(inner);
  if (alternatives) return alternatives.flatMap((each) => narrowings(each, outer, path));
  const allowed = alternativesOf(outer);
  if (allowed) {
    const found = allowed.map((each) => narrowings(inner, each, path));
    return found.some((each) => each.length === 0) ? [] : [{ path, message: "is none of the values allowed now" }];
  }
  const values = valuesOf(inner);
  const others = valuesOf(outer);
  if (others) {
    const missing = values?.filter((value) => !others.includes(value));
    if (missing === undefined) return [{ path, message: "was free and has few values now" }];
    return missing.length === 0 ? [] : [{ path, message: `${missing.join(", ")} is not allowed any more` }];
  }
  return [
    ...ofType(inner, outer, path),
    ...ofBounds(inner, outer, path),
    ...ofShape(inner, outer, path),
    ...ofRest(inner, outer, path),
  ];
}

const plain = (schema: JsonSchema): Fields =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => !ANNOTATIONS.has(key)));

const alternativesOf = ({ anyOf, oneOf }: JsonSchema): readonly JsonSchema[] | undefined => {
  const list = listOf(anyOf ?? oneOf).filter(isFields);
  return list.length > 0 ? list : undefined;
};

function valuesOf(schema: JsonSchema): readonly string[] | undefined {
  if ("const" in schema) return [textOf(schema.const)];
  return Array.isArray(schema.enum) ? schema.enum.map(textOf) : undefined;
}

function ofType({ type }: JsonSchema, outer: JsonSchema, path: string): Narrowing[] {
  const before = type === undefined ? [] : Array.isArray(type) ? type : [type];
  if (outer.type === undefined) return [];
  const after: unknown[] = Array.isArray(outer.type) ? outer.type : [outer.type];
  const fits = (each: unknown) => after.includes(each) || (each === "integer" && after.includes("number"));
  if (before.length > 0 && before.every(fits)) return [];
  return [{ path, message: `${before.join(" or ") || "anything"} became ${after.join(" or ")}` }];
}

function ofBounds(inner: JsonSchema, outer: JsonSchema, path: string): Narrowing[] {
  const found: Narrowing[] = [];
  const tell = (key: string) =>
    found.push({
      path,
      message: `${key} ${inner[key] === undefined ? "is new" : `${inner[key]} became`} ${outer[key]}`,
    });
  for (const key of LOWER) {
    const [before, after] = [inner[key], outer[key]];
    if (typeof after === "number" && !(typeof before === "number" && before >= after)) tell(key);
  }
  for (const key of UPPER) {
    const [before, after] = [inner[key], outer[key]];
    if (typeof after === "number" && !(typeof before === "number" && before <= after)) tell(key);
  }
  return found;
}

function ofShape(inner: JsonSchema, outer: JsonSchema, path: string): Narrowing[] {
  const found: Narrowing[] = [];
  const before = isFields(inner.properties) ? inner.properties : {};
  const after = isFields(outer.properties) ? outer.properties : {};
  const required = listOf(inner.required);
  for (const name of listOf(outer.required))
    if (!required.includes(name)) found.push({ path: `${path}/${String(name)}`, message: "is required now" });
  for (const [name, schema] of Object.entries(before)) {
    const other = Object.hasOwn(after, name) ? after[name] : undefined;
    if (isFields(other)) found.push(...narrowings(schema as JsonSchema, other, `${path}/${name}`));
    else if (outer.additionalProperties === false)
      found.push({ path: `${path}/${name}`, message: "is not allowed any more" });
  }
  const open = inner.type === "object" && inner.additionalProperties !== false;
  if (open && outer.type === "object" && outer.additionalProperties === false)
    found.push({ path, message: "further fields are not allowed any more" });
  if (isFields(outer.items))
    found.push(
      ...(isFields(inner.items)
        ? narrowings(inner.items, outer.items, `${path}/[]`)
        : [{ path: `${path}/[]`, message: "items have a shape now" }]),
    );
  return found;
}

/** What is not understood must be the same. */
function ofRest(inner: JsonSchema, outer: JsonSchema, path: string): Narrowing[] {
  return Object.keys(plain(outer))
    .filter((key) => !UNDERSTOOD.has(key) && textOf(inner[key]) !== textOf(outer[key]))
    .map((key) => ({ path, message: `${key} changed` }));
}

/**
 * What an older schema makes of a value that a newer version wrote: fields that it does not know are left out where it allows no
 * others. One level deep, like the objects that versions usually add to.
 */
export function projected(schema: JsonSchema, value: unknown): unknown {
  if (!isFields(value) || schema.additionalProperties !== false || !isFields(schema.properties)) return value;
  const known = schema.properties;
  return Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(known, name)));
}

/** Every value of `newer`, without the fields that `older` does not know, is one of `older`. */
export function readableBy(older: JsonSchema, newer: JsonSchema): Narrowing[] {
  const properties = isFields(older.properties) ? older.properties : undefined;
  if (!properties || older.additionalProperties !== false || !isFields(newer.properties))
    return narrowings(newer, older);
  const kept = Object.fromEntries(Object.entries(newer.properties).filter(([name]) => Object.hasOwn(properties, name)));
  const required = listOf(newer.required).filter((name) => Object.hasOwn(properties, String(name)));
  return narrowings({ ...newer, properties: kept, required, additionalProperties: false }, older);
}

/** Fields that {@link projected} leaves out. */
export function fieldsLost(older: JsonSchema, newer: JsonSchema): string[] {
  if (!isFields(older.properties) || !isFields(newer.properties) || older.additionalProperties !== false) return [];
  const known = older.properties;
  return Object.keys(newer.properties).filter((name) => !Object.hasOwn(known, name));
}

export const isSameSchema = (left: JsonSchema, right: JsonSchema): boolean =>
  textOf(plain(left)) === textOf(plain(right));
