/**
 * Makes text and JSON storable in Postgres, which refuses NUL characters and halves of surrogate pairs. Much of what the
 * manager stores comes from requests, and whoever sends one must not be able to keep its own record out of the database.
 */
import type { Prisma } from "../generated/manager/client.ts";

const textLengthMax = 20_000;
const jsonDepthMax = 64;
const replacement = "\uFFFD";
const loneSurrogate = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** Longest text that a Postgres index takes whole, in characters of at most 4 bytes. */
export const indexedLengthMax = 500;

/** The text without what Postgres refuses, cut at `lengthMax` characters. */
export function storableText(text: string, lengthMax = textLengthMax): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;
  return cut.replaceAll("\0", replacement).replace(loneSurrogate, replacement);
}

/** A deep copy of plain data with storable texts; bigint becomes text, what JSON cannot say becomes null. */
export function storableJson(value: unknown): Prisma.InputJsonValue {
  // Prisma's type has no null at the top; a column that may be null takes another one.
  return copy(value, 0) as Prisma.InputJsonValue;
}

function copy(value: unknown, depth: number): unknown {
  if (depth > jsonDepthMax) return "…";
  if (typeof value === "string") return storableText(value, Number.POSITIVE_INFINITY);
  if (typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1));
  if (typeof value !== "object" || value === null) return null;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  // Object.fromEntries defines properties: a key called __proto__ stays data.
  return Object.fromEntries(entries.map(([key, item]) => [storableText(key), copy(item, depth + 1)]));
}
