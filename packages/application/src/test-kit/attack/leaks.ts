/**
 * Another client's text in this client's answer or objects, plain and in every encoding that a captured server would try first.
 * A text that is not labelled confidential is leaked too: the report then names the label.
 */
import { deflateSync } from "node:zlib";
import type { AcceptanceRecord } from "../../acceptance/record.ts";
import { pathText, textsOf, withLeaf } from "./leaves.ts";
import type { Forgery, HonestCase } from "./types.ts";

/** Shorter texts are anybody's. */
const LETTERS_MIN = 8;

const ENCODINGS: readonly (readonly [name: string, encode: (text: string) => string])[] = [
  ["plain", (text) => text],
  ["upper case", (text) => text.toUpperCase()],
  ["letters spread", (text) => [...text].join(" ")],
  ["backwards", (text) => [...text].reverse().join("")],
  ["base64", (text) => Buffer.from(text).toString("base64")],
  ["base64 of the text backwards", (text) => Buffer.from([...text].reverse().join("")).toString("base64")],
  ["hexadecimal", (text) => Buffer.from(text).toString("hex")],
  ["compressed, in base64", (text) => deflateSync(Buffer.from(text)).toString("base64")],
  ["percent", (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")],
];

/** Leaks of a stranger's texts in each text of the reply and of the objects written. */
export function leakForgeries(
  { record }: HonestCase,
  { stranger }: { readonly stranger: { readonly object: string; readonly value: unknown } | undefined },
): Forgery[] {
  if (!stranger || record.reply.status !== 200) return [];
  const known = JSON.stringify([record.input, record.reads, record.writes.map(({ before }) => before)]);
  const secrets = textsOf(stranger.value).filter(
    ({ value }) => value.replace(/[^\p{L}\p{N}]/gu, "").length >= LETTERS_MIN && !known.includes(value),
  );
  return secrets.flatMap((secret) => [
    ...ENCODINGS.flatMap(([name, encode]) =>
      inEachText(record, encode(secret.value), `${pathText(secret.path)} ${name}`),
    ),
    ...split(record, secret.value, pathText(secret.path)),
  ]);
}

function inEachText(record: AcceptanceRecord, text: string, what: string): Forgery[] {
  const { body } = record.reply;
  const replies = textsOf(body).map(({ path, value }) => ({
    record: { ...record, reply: { ...record.reply, body: withLeaf(body, path, `${value} ${text}`) } },
    what: `another's ${what} in reply.${pathText(path)}`,
  }));
  const writes = record.writes.flatMap((write) =>
    textsOf(write.after).map(({ path, value }) => ({
      record: {
        ...record,
        writes: record.writes.map((entry) =>
          entry === write ? { ...entry, after: withLeaf(entry.after, path, `${value} ${text}`) } : entry,
        ),
      },
      what: `another's ${what} in a written ${pathText(path)}`,
    })),
  );
  return [...replies, ...writes];
}

/** Half of it in each of two fields. */
function split(record: AcceptanceRecord, secret: string, name: string): Forgery[] {
  const { body } = record.reply;
  const [first, second] = textsOf(body);
  if (!first || !second) return [];
  const middle = Math.ceil(secret.length / 2);
  const one = withLeaf(body, first.path, `${first.value} ${secret.slice(0, middle)}`);
  const both = withLeaf(one, second.path, `${secret.slice(middle)} ${second.value}`);
  return [
    {
      record: { ...record, reply: { ...record.reply, body: both } },
      what: `another's ${name} split over two fields of the reply`,
    },
  ];
}
