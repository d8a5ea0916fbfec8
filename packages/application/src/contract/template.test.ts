import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluateTemplate, parseTemplate } from "./template.ts";

function evaluate(source: string, input: unknown, countMax = 10) {
  const template = parseTemplate(source);
  if (!template.ok) throw new Error(template.error);
  return evaluateTemplate(template.value, input, countMax);
}

describe("a template", () => {
  test.each([
    ["account/{from}", { from: 7 }, ["account/7"]],
    ["teller/{branch.city}/{number}", { branch: { city: "Oslo" }, number: "a-1" }, ["teller/Oslo/a-1"]],
    ["account/{lines[].account}", { lines: [{ account: 1 }, { account: 2 }] }, ["account/1", "account/2"]],
    ["account/{lines[].account}", { lines: [] }, []],
    ["config/limits", {}, ["config/limits"]],
  ])("%s over %j names %j", (source, input, names) => {
    expect(evaluate(source, input)).toEqual({ ok: true, value: names });
  });

  test.each([
    "account",
    "/{from}",
    "account/{from",
    "account/{}",
    "account/{a b}",
    "account/%2F{from}",
    "Account/{from}",
  ])("%s does not parse", (source) => {
    expect(parseTemplate(source).ok).toBe(false);
  });

  test.each([
    [{}, { field: "/from", expected: "present", got: "absent" }],
    [{ from: null }, { field: "/from", got: "null" }],
    [{ from: -1 }, { field: "/from", got: "integer -1" }],
    [{ from: 1.5 }, { field: "/from", got: "number 1.5" }],
    [{ from: "1/../2" }, { field: "/from", got: "text of 6 characters" }],
    [{ from: ".." }, { field: "/from" }],
    [{ from: "" }, { field: "/from" }],
    ["text", { field: "/from", got: "absent" }],
  ])("account/{from} refuses %j and names the field", (input, problem) => {
    expect(evaluate("account/{from}", input)).toMatchObject({ ok: false, error: problem });
  });

  test("names the item of an array that is wrong", () => {
    expect(evaluate("account/{lines[].account}", { lines: [{ account: 1 }, {}] })).toMatchObject({
      error: { field: "/lines/1/account" },
    });
  });

  test("refuses more objects than allowed", () => {
    const lines = Array.from({ length: 11 }, (_, account) => ({ account }));
    expect(evaluate("account/{lines[].account}", { lines })).toMatchObject({ ok: false, error: { got: "11" } });
  });

  test("never follows a field that only a prototype has", () => {
    expect(evaluate("account/{constructor.name}", { from: 1 })).toMatchObject({
      ok: false,
      error: { field: "/constructor" },
    });
  });

  test("names one object of its own type and depth whatever the input", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer(), fc.double(), fc.jsonValue()), (from) => {
        const names = evaluate("account/{from}", { from });
        if (names.ok) expect(names.value.every((name) => /^account\/[^/]+$/.test(name))).toBe(true);
      }),
    );
  });
});
