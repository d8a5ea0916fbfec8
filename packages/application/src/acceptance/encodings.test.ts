/** How many of the ways in which a captured server would write a secret are found (REQUIREMENTS A13): a measure, kept true. */
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { decodedForms } from "./decoded-forms.ts";
import { normalise } from "./normalise.ts";

const SECRET = "Wilhelmina Thornbury";
const bytes = (text: string): Buffer => Buffer.from(text);
const hex = (text: string): string => bytes(text).toString("hex");
const base64 = (text: string): string => bytes(text).toString("base64");
const backwards = (text: string): string => [...text].reverse().join("");
const shifted = (text: string, by: number): string =>
  text.replace(/[a-z]/gi, (letter) => {
    const a = letter < "a" ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - a + by) % 26) + a);
  });
const base32 = (text: string): string => {
  const bits = [...bytes(text)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{1,5}/g) ?? [])
    .map((group) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[Number.parseInt(group.padEnd(5, "0"), 2)])
    .join("");
};

const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  "upper case": (text) => text.toUpperCase(),
  "with blanks": (text) => [...text].join(" "),
  "with dashes": (text) => [...text].join("-"),
  backwards,
  hexadecimal: hex,
  "hexadecimal with blanks": (text) => (hex(text).match(/../g) ?? []).join(" "),
  base64,
  "base64 for addresses": (text) => bytes(text).toString("base64url"),
  "base64 behind other text": (text) => `ref${base64(text)}`,
  "base64 backwards": (text) => base64(backwards(text)),
  "base64 of base64": (text) => base64(base64(text)),
  "base64 of hexadecimal": (text) => base64(hex(text)),
  "hexadecimal of base64": (text) => hex(base64(text)),
  base32,
  percent: (text) => [...bytes(text)].map((byte) => `%${byte.toString(16)}`).join(""),
  "character references": (text) => [...text].map((letter) => `&#${letter.charCodeAt(0)};`).join(""),
  "unicode escapes": (text) =>
    [...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  rot13: (text) => shifted(text, 13),
  "every second letter": (text) => [...text.replace(" ", "")].map((letter) => `${letter}x`).join(""),
  "another alphabet, by three": (text) => shifted(text, 3),
  "exclusive or, in hexadecimal": (text) =>
    [...bytes(text)].map((byte) => (byte ^ 0x5a).toString(16).padStart(2, "0")).join(""),
  "compressed, in base64": (text) => deflateSync(bytes(text)).toString("base64"),
  "first letters of words": (text) => [...text].map((letter) => `${letter}ord`).join(" "),
};

test("of 24 encodings of a secret inside a sentence 20 are found; which are not is known", () => {
  const missed = Object.entries(ENCODINGS).flatMap(([name, encode]) => {
    const forms = decodedForms([`Your reference: ${encode(SECRET)}`, "thank you"], ["text"]);
    return forms.some((form) => form.includes(normalise(SECRET))) ? [] : [name];
  });
  expect(missed).toEqual([
    "another alphabet, by three",
    "exclusive or, in hexadecimal",
    "compressed, in base64",
    "first letters of words",
  ]);
});

test("a long text that encodes nothing is decoded in time that grows with its length only", () => {
  const of = (length: number): number => {
    const text = base64("x".repeat(length));
    const began = performance.now();
    decodedForms([text], []);
    return performance.now() - began;
  };
  of(20_000);
  const [short, long] = [Math.max(of(20_000), 1), of(200_000)];
  expect(long / short).toBeLessThan(100);
});
