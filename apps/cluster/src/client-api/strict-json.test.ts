import { canonicalJson } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

const value = (text: string): unknown => {
  const parsed = parseStrictJson(text);
  if (!parsed.ok) throw new Error(parsed.fault.message);
  return parsed.value;
};
const fault = (text: string) => {
  const parsed = parseStrictJson(text);
  return parsed.ok ? undefined : parsed.fault;
};

describe("strict JSON", () => {
  test("reads what JSON.parse reads", () => {
    for (const text of [
      "null",
      " true ",
      "-0.5e-3",
      '"\\u00e4\\n\\"x\\\\"',
      "[]",
      "[1,[2,{}]]",
      '{"a":{"b":[false,null]},"c":"d"}',
      "9007199254740991",
      "1e3",
      `"${"x".repeat(300_000)}"`,
    ])
      expect(value(text)).toEqual(JSON.parse(text));
  });

  test("refuses what JSON.parse refuses, naming the position", () => {
    for (const text of [
      "",
      " ",
      "{",
      "[1,]",
      '{"a":1,}',
      '{"a" 1}',
      "{a:1}",
      "01",
      "1.",
      "+1",
      ".5",
      "NaN",
      "tru",
      '"a',
      '"\n"',
      '"\\x"',
      "1 2",
      "'a'",
      "\ufeff1",
    ]) {
      expect(() => JSON.parse(text)).toThrow();
      expect(fault(text)?.message).toContain("expected");
    }
    expect(fault('{\n  "a": 1,\n  "b": x\n}')).toMatchObject({ position: 19, line: 3, column: 8 });
  });

  test("refuses a key twice, whatever way it is spelled", () => {
    expect(fault('{"a":1,"\\u0061":2}')?.message).toContain('"a" twice');
    expect(fault('{"__proto__":1,"__proto__":2}')?.message).toContain("twice");
    expect(value('{"toString":1}')).toEqual({ toString: 1 });
  });

  test("refuses deep nesting without using the stack", () => {
    expect(fault("[".repeat(100_000))?.message).toContain("levels");
    expect(fault('{"a":'.repeat(100_000))?.message).toContain("levels");
  });

  test("refuses numbers that would silently become others", () => {
    for (const text of ["9007199254740993", "-9007199254740992", "1e400"]) expect(fault(text)).toBeDefined();
  });

  test("keeps a __proto__ key as data and changes no prototype", () => {
    const parsed = value('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}') as object;
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect((parsed as { admin?: unknown }).admin).toBeUndefined();
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
    expect(canonicalJson(parsed)).toBe('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}');
  });
});
