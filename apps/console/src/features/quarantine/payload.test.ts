import { describe, expect, it } from "vitest";
import { bytesOf, decoded, hexLines, textSegments } from "./payload.ts";

const encode = (text: string) => new TextEncoder().encode(text);

describe("payload of a quarantined request", () => {
  it("is the bytes that came in", () => {
    expect(bytesOf(btoa("\u0000ÿ"))).toEqual(Uint8Array.of(0, 255));
  });
  it("shows as text where the matches begin and end, also beyond its end", () => {
    const matches = [
      { from: 4, to: 99, why: "late" },
      { from: 1, to: 3, why: "early" },
    ];
    expect(textSegments(encode("abcdef"), matches)).toEqual([
      { from: 0, text: "a", why: null },
      { from: 1, text: "bc", why: "early" },
      { from: 3, text: "d", why: null },
      { from: 4, text: "ef", why: "late" },
    ]);
  });
  it("shows escapes and broken UTF-8 as what they are", () => {
    expect(textSegments(Uint8Array.of(0x1b, 0x5b, 0xff), [])[0]?.text).toBe("‹U+001B›[\ufffd");
  });
  it("shows as hex with offsets", () => {
    const lines = hexLines(encode("0123456789abcdefX\u0007"));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatchObject({ offset: "000010", text: "X·" });
    expect(lines[1]?.hex.trim()).toBe("58 07");
  });
  it("decodes JSON without letting __proto__ reach anything", () => {
    const result = decoded(encode('{"__proto__":{"polluted":1}}'), "application/json");
    expect(result).toHaveProperty("text", expect.stringContaining("__proto__"));
    expect({}).not.toHaveProperty("polluted");
    expect(decoded(encode("{"), "application/json")).toHaveProperty("problem");
  });
});
