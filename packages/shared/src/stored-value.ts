/**
 * An object's stored bytes know the schema version they were written in, because bytes are never rewritten: version 1 is the
 * plain canonical JSON text, a later one has its number and a colon in front (`2:{…}`), which no JSON text begins with. To
 * the protocol all of it is opaque bytes, bound by C1 as a whole.
 */
export const FIRST_SCHEMA_VERSION = 1;
const PREFIX = /^([1-9]\d{0,5}):/;

export interface StoredValue {
  readonly schemaVersion: number;
  /** Canonical JSON text of the value. */
  readonly text: string;
}

/** Stored bytes of a value (canonical JSON text) in this version of its object's schema. */
export const composeStored = (schemaVersion: number, text: string): string =>
  schemaVersion === FIRST_SCHEMA_VERSION ? text : `${schemaVersion}:${text}`;

/** Total: what is no JSON is for the reader of `text` to find out. */
export function parseStored(bytes: string): StoredValue {
  const found = PREFIX.exec(bytes);
  if (!found) return { schemaVersion: FIRST_SCHEMA_VERSION, text: bytes };
  return { schemaVersion: Number(found[1]), text: bytes.slice(found[0].length) };
}
