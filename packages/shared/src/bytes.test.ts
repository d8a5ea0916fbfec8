import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "./bytes.ts";

const TEXTS = [
  "",
  "a",
  "account/7",
  "ü".repeat(30),
  `${"x".repeat(79)}é`,
  "€".repeat(500),
  "y".repeat(5_000),
  "\u0000\u007f\u0080",
];
const DIGEST = "0123456789abcdef".repeat(4);

function write(writer: ByteWriter): ByteWriter {
  for (const text of TEXTS)
    writer
      .text(text)
      .integer(text.length)
      .u8(text.length & 255);
  return writer
    .digest(DIGEST)
    .integer(Number.MAX_SAFE_INTEGER)
    .bytes(new Uint8Array([1, 2, 3]));
}

function check(bytes: Uint8Array): void {
  const reader = new ByteReader(bytes);
  for (const text of TEXTS) {
    expect(reader.text()).toBe(text);
    expect(reader.integer()).toBe(text.length);
    expect(reader.u8()).toBe(text.length & 255);
  }
  expect(reader.digest()).toBe(DIGEST);
  expect(reader.integer()).toBe(Number.MAX_SAFE_INTEGER);
  expect([...reader.bytes()]).toEqual([1, 2, 3]);
  reader.end();
}

describe("ByteWriter", () => {
  it("gives the same bytes whatever room it was given at first, and they can be read back", () => {
    const expected = Buffer.from(write(new ByteWriter(65_536)).finish()).toString("hex");
    for (const capacity of [0, 1, 7, 64, 1_024, 4_096, 4_097, 100_000]) {
      const bytes = write(new ByteWriter(capacity)).finish();
      expect(Buffer.from(bytes).toString("hex")).toBe(expected);
      check(bytes);
    }
  });

  it("writes text as the encoder does, short and long, within ASCII and beyond", () => {
    for (const text of TEXTS) {
      const bytes = new ByteWriter().text(text).finish();
      expect(Buffer.from(bytes.subarray(4)).equals(Buffer.from(text, "utf8"))).toBe(true);
    }
  });

  it("leaves the bytes of every writer alone while others write, begun before or after it", () => {
    const finished: { readonly bytes: Uint8Array; readonly text: string }[] = [];
    const open: { readonly writer: ByteWriter; text: string }[] = [];
    for (let round = 0; round < 3_000; round++) {
      const started = { writer: new ByteWriter(16 + (round % 200)), text: "" };
      open.push(started);
      for (const one of [started, open[(round * 7) % open.length] ?? started]) {
        const addition = `round ${round} `.repeat(round % 9);
        for (const character of addition) one.writer.u8(character.charCodeAt(0));
        one.text += addition;
      }
      if (round % 3 === 0) continue;
      const [one] = open.splice((round * 13) % open.length, 1);
      if (one) finished.push({ bytes: one.writer.finish(), text: one.text });
    }
    for (const { bytes, text } of finished) expect(Buffer.from(bytes).toString("latin1")).toBe(text);
  });

  it("gives every digest back as it was", () => {
    for (let byte = 0; byte < 256; byte++) {
      const digest = byte.toString(16).padStart(2, "0").repeat(16) + DIGEST.slice(32);
      expect(new ByteReader(new ByteWriter().digest(digest).finish()).digest()).toBe(digest);
    }
  });

  it("refuses what is no digest and no whole number", () => {
    for (const text of ["X".repeat(64), "a".repeat(63), "a".repeat(66), `${"a".repeat(63)}ł`, "A".repeat(64), ""])
      expect(() => new ByteWriter().digest(text), text).toThrow(RangeError);
    expect(() => new ByteWriter().integer(-1)).toThrow(RangeError);
    expect(() => new ByteWriter().integer(0.5)).toThrow(RangeError);
  });
});
