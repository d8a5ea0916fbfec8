/**
 * The forms in which a text may hide another, all normalised: as it stands, backwards, and decoded from percent escapes,
 * hexadecimal, base64 (any alignment), base32, character references and lists of character codes, and what is decoded once more;
 * the plain text besides with letters moved by thirteen, and every second letter of it. Linear in the length of the text.
 */
import { CONFIDENTIAL_LENGTH_MIN, normalise } from "./normalise.ts";

const BASE64_RUN = /[A-Za-z0-9+/_-]{8,}/g;
const HEX_RUN = /(?:[0-9a-fA-F]{2}[\s:,-]?){6,}/g;
const CODES_RUN = /(?:^|\n)(?:\d{2,3}\n){5,}\d{2,3}(?=\n|$)/g;

const BASE32_RUN = /\b(?:[A-Z2-7]{10,}|[a-z2-7]{10,})={0,6}/g;
const REFERENCE = /&#|\\u[0-9a-fA-F]{4}/;
const REFERENCES = /&#x([0-9a-fA-F]{1,6});?|&#(\d{1,7});?|\\u([0-9a-fA-F]{4})/g;

/** An encoding of an encoding is looked into as well; deeper ones cost the intruder as much room as they hide. */
const DEPTH_MAX = 2;
/** Of the characters of a decoded text that can be one. */
const READABLE_SHARE = 0.9;

/** Normalised forms of the texts and numbers of a JSON value (`values`) and its keys. */
export function decodedForms(values: readonly string[], keys: readonly string[]): string[] {
  const forms = [normalise(keys.join(""))];
  collectForms(values.join("\n"), 0, forms);
  return forms.filter((form) => form.length >= CONFIDENTIAL_LENGTH_MIN);
}

function collectForms(raw: string, depth: number, forms: string[]): void {
  const plain = normalise(raw);
  forms.push(plain, reversed(plain));
  if (depth === 0) forms.push(rotated(plain), everySecond(plain, 0), everySecond(plain, 1));
  if (depth === DEPTH_MAX) return;
  for (const decoded of decodings(raw))
    if (isReadable(decoded)) collectForms(decoded, depth + 1, forms);
    else forms.push(normalise(decoded));
}

function* decodings(raw: string): Generator<string> {
  if (raw.includes("%")) yield percentDecoded(raw);
  if (REFERENCE.test(raw))
    yield raw.replace(REFERENCES, (_, hex?: string, code?: string, unit?: string) => character(hex ?? unit, code));
  for (const run of raw.match(HEX_RUN) ?? []) yield hexDecoded(run);
  for (const run of raw.match(BASE32_RUN) ?? []) yield base32Decoded(run);
  for (const run of raw.match(CODES_RUN) ?? []) yield codesDecoded(run);
  yield* base64Runs(raw);
}

/** Most of what is decoded at random is no text: not worth a second look. */
function isReadable(text: string): boolean {
  const strange = text.match(/[\p{Cc}\ufffd]/gu)?.length ?? 0;
  return strange <= text.length * (1 - READABLE_SHARE);
}

const A = 97;
const rotated = (text: string): string =>
  text.replace(/[a-z]/g, (letter) => String.fromCharCode(((letter.charCodeAt(0) - A + 13) % 26) + A));

function everySecond(text: string, first: 0 | 1): string {
  let found = "";
  for (let at = first; at < text.length; at += 2) found += text[at];
  return found;
}

function character(hex: string | undefined, code: string | undefined): string {
  const point = hex === undefined ? Number(code) : Number.parseInt(hex, 16);
  return point <= 0x10ffff ? String.fromCodePoint(point) : "";
}

const BASE32_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32Decoded(run: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const digit of run.replace(/=+$/, "").toUpperCase()) {
    bits = ((bits << 5) | BASE32_DIGITS.indexOf(digit)) & 0x1fff;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return textOf(bytes);
}

const reversed = (text: string): string => Array.from(text).reverse().join("");

const percentDecoded = (text: string): string =>
  text.replace(/(?:%[0-9a-fA-F]{2})+/g, (run) => hexDecoded(run.replaceAll("%", "")));

const hexDecoded = (run: string): string =>
  textOf((run.match(/[0-9a-fA-F]{2}/g) ?? []).map((digits) => Number.parseInt(digits, 16)));

const codesDecoded = (run: string): string => textOf(run.trim().split("\n").map(Number));

const utf8Decoder = new TextDecoder("utf-8");
const textOf = (bytes: readonly number[]): string => utf8Decoder.decode(Uint8Array.from(bytes));

/** Each run decoded at its four alignments: what stands before the secret shifts it. */
function* base64Runs(text: string): Generator<string> {
  for (const run of text.match(BASE64_RUN) ?? [])
    for (let skip = 0; skip < 4; skip++) yield base64Decoded(run.slice(skip));
}

const BASE64_VALUES = new Map(
  [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].map(
    (digit, value) => [digit, value] as const,
  ),
)
  .set("-", 62)
  .set("_", 63);

function base64Decoded(run: string): string {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const digit of run) {
    bits = ((bits << 6) | (BASE64_VALUES.get(digit) ?? 0)) & 0x3fff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push((bits >> count) & 0xff);
  }
  return textOf(bytes);
}
