/**
 * fast-check arbitraries from the contract's JSON Schemas: what a client may send, what an object may hold. Numbers are mostly
 * small, because amounts that are larger than every balance only ever see refusals, and sometimes at the ends of their range,
 * where code breaks. Knows what zod 4 writes for plain data; a schema with anything else is refused by name.
 */
import fc from "fast-check";
import type { JsonSchema } from "../contract/contract-json.ts";

type Schema = JsonSchema;

/** Items of a generated list when the schema allows more. */
const ITEMS_MAX = 5;
/** Length of a generated text when the schema allows more. */
const TEXT_LENGTH_MAX = 40;
const SMALL_MAX = 20;
const MIDDLE_MAX = 200_000;
const DEPTH_MAX = 6;

/** Values that fit the schema. Throws an error naming the keyword or type that is not understood. */
export function arbitraryOf(schema: JsonSchema, options: ArbitraryOptions = {}): fc.Arbitrary<unknown> {
  return build(schema, { root: schema, depth: 0, words: options.words ?? [] });
}

export interface ArbitraryOptions {
  /** Texts that mean something to the application: tried as keys where any key is allowed, such as words of its source. */
  readonly words?: readonly string[];
}

interface Place {
  readonly root: Schema;
  readonly depth: number;
  readonly words: readonly string[];
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const schemasOf = (value: unknown): readonly Schema[] => (Array.isArray(value) ? value.filter(isSchema) : []);

function build(schema: Schema, place: Place): fc.Arbitrary<unknown> {
  if (place.depth > DEPTH_MAX) return fc.constant(null);
  const inside: Place = { ...place, depth: place.depth + 1 };
  if (typeof schema.$ref === "string") return build(resolve(schema.$ref, place.root), inside);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  const choices = schemasOf(schema.anyOf ?? schema.oneOf);
  if (choices.length > 0) return fc.oneof(...choices.map((choice) => build({ ...without(schema), ...choice }, inside)));
  const parts = schemasOf(schema.allOf);
  if (parts.length > 0) return build(merged([without(schema), ...parts]), inside);
  if (Array.isArray(schema.type))
    return fc.oneof(...(schema.type as unknown[]).map((type) => build({ ...schema, type }, inside)));
  switch (schema.type) {
    case "string":
      return texts(schema);
    case "integer":
      return integers(schema);
    case "number":
      return numbers(schema);
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return lists(schema, inside);
    case "object":
      return objects(schema, inside);
    case undefined:
      return anything();
    default:
      throw new Error(`a JSON Schema of type ${JSON.stringify(schema.type)} is not understood`);
  }
}

function without(schema: Schema): Schema {
  const { anyOf: _any, oneOf: _one, allOf: _all, ...rest } = schema;
  return rest;
}

/** All of them at once: their fields together, of the rest the last one's word. */
function merged(schemas: readonly Schema[]): Schema {
  const properties = Object.assign({}, ...schemas.map((schema) => schema.properties ?? {})) as Schema;
  const required = schemas.flatMap((schema) => (Array.isArray(schema.required) ? (schema.required as string[]) : []));
  const all = Object.assign({}, ...schemas) as Schema;
  return Object.keys(properties).length > 0 ? { ...all, properties, required: [...new Set(required)] } : all;
}

function resolve(reference: string, root: Schema): Schema {
  let found: unknown = root;
  for (const step of reference.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    found = isSchema(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  if (!isSchema(found)) throw new Error(`the JSON Schema refers to ${reference}, which is not there`);
  return found;
}

const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

function bounds(schema: Schema, step: number): { least: number; most: number } {
  const above = numberOf(schema.exclusiveMinimum);
  const below = numberOf(schema.exclusiveMaximum);
  const least = Math.max(
    numberOf(schema.minimum) ?? Number.MIN_SAFE_INTEGER,
    above === undefined ? -Infinity : above + step,
  );
  const most = Math.min(
    numberOf(schema.maximum) ?? Number.MAX_SAFE_INTEGER,
    below === undefined ? Infinity : below - step,
  );
  return { least, most };
}

function integers(schema: Schema): fc.Arbitrary<number> {
  const { least, most } = bounds(schema, 1);
  const unit = numberOf(schema.multipleOf) ?? 1;
  const [low, high] = [Math.ceil(least / unit), Math.floor(most / unit)];
  const near = Math.max(low, Math.min(0, high));
  const upTo = (reach: number): fc.Arbitrary<number> =>
    fc.integer({ min: Math.max(low, Math.min(near, near - (low < 0 ? reach : 0))), max: Math.min(high, near + reach) });
  const multiples = fc.oneof(
    { weight: 4, arbitrary: upTo(SMALL_MAX) },
    { weight: 5, arbitrary: upTo(MIDDLE_MAX) },
    { weight: 1, arbitrary: fc.constantFrom(low, high) },
  );
  return unit === 1 ? multiples : multiples.map((value) => value * unit);
}

function numbers(schema: Schema): fc.Arbitrary<number> {
  const { least, most } = bounds(schema, Number.EPSILON);
  if (numberOf(schema.multipleOf) !== undefined) return integers(schema);
  const broken = fc.double({ min: least, max: most, noNaN: true }).map((value) => value + 0);
  const whole = bounds(schema, 1);
  return Math.ceil(whole.least) <= Math.floor(whole.most) ? fc.oneof(integers(schema), broken) : broken;
}

const FORMATS: Readonly<Record<string, () => fc.Arbitrary<string>>> = {
  date: () => instants().map((text) => text.slice(0, 10)),
  "date-time": () => instants(),
  time: () => instants().map((text) => text.slice(11, 19)),
  uuid: () => fc.uuid(),
  email: () => fc.stringMatching(/^[a-z]{1,8}@[a-z]{1,8}\.com$/),
  uri: () => fc.stringMatching(/^https:\/\/[a-z]{1,8}\.com\/[a-z]{0,8}$/),
  ipv4: () => fc.ipV4(),
};

const instants = (): fc.Arbitrary<string> =>
  fc.integer({ min: 946_684_800, max: 4_102_444_800 }).map((seconds) => new Date(seconds * 1000).toISOString());

function texts(schema: Schema): fc.Arbitrary<string> {
  const format =
    typeof schema.format === "string" && Object.hasOwn(FORMATS, schema.format) ? FORMATS[schema.format] : undefined;
  const minLength = numberOf(schema.minLength) ?? 0;
  const maxLength = Math.max(minLength, Math.min(numberOf(schema.maxLength) ?? TEXT_LENGTH_MAX, TEXT_LENGTH_MAX));
  if (format) return format();
  if (typeof schema.pattern !== "string") return fc.string({ minLength, maxLength });
  const matching = fc.stringMatching(new RegExp(schema.pattern, "u"));
  const longest = numberOf(schema.maxLength) ?? Number.POSITIVE_INFINITY;
  return matching.map((text) => text).filter((text) => text.length >= minLength && text.length <= longest);
}

function lists(schema: Schema, place: Place): fc.Arbitrary<unknown> {
  const first = schemasOf(schema.prefixItems);
  if (first.length > 0) return fc.tuple(...first.map((item) => build(item, place)));
  const minLength = numberOf(schema.minItems) ?? 0;
  const maxLength = Math.max(minLength, Math.min(numberOf(schema.maxItems) ?? ITEMS_MAX, ITEMS_MAX));
  const item = build(isSchema(schema.items) ? schema.items : {}, place);
  return schema.uniqueItems === true
    ? fc.uniqueArray(item, { minLength, maxLength, selector: (value) => JSON.stringify(value) })
    : fc.array(item, { minLength, maxLength });
}

function objects(schema: Schema, place: Place): fc.Arbitrary<unknown> {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : [];
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, field] of Object.entries(properties)) fields[name] = build(isSchema(field) ? field : {}, place);
  const known = fc.record(fields, { requiredKeys: required.filter((name) => Object.hasOwn(fields, name)) });
  const plain = known.map((value) => ({ ...value }));
  if (!isSchema(schema.additionalProperties) || Object.keys(properties).length > 0) return plain;
  // Hostile keys are the subject of attacks on the code, not of requests.
  const invented = fc.stringMatching(/^[a-z]{1,8}$/);
  const keys = place.words.length > 0 ? fc.oneof(invented, fc.constantFrom(...place.words)) : invented;
  return fc.dictionary(keys, build(schema.additionalProperties, place), { maxKeys: 3 }).map((value) => ({ ...value }));
}

const anything = (): fc.Arbitrary<unknown> =>
  fc.oneof(fc.boolean(), fc.integer({ min: -SMALL_MAX, max: SMALL_MAX }), fc.stringMatching(/^[a-z ]{0,12}$/));
