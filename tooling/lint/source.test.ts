import { describe, expect, test } from "vitest";
import { importsOf } from "./imports.mjs";
import { strip } from "./source.mjs";

describe("strip", () => {
  test.each([
    ["a line comment", "a; // Date\nb", "a;        \nb"],
    ["a comment over lines", "a /* Date\nDate */ b", "a        \n        b"],
    ["an unclosed comment", "a /* Date", "a        "],
    ["a string", 'a("Date")', 'a("    ")'],
    ["an escaped quote", String.raw`a('\'Date')`, "a('      ')"],
    ["a template, but not its expressions", ["`Date $", "{Date + `x`} Date`"].join(""), "`      {Date + ` `}     `"],
    ["a regular expression, but not a division", "a = /Date/; b / Date / c", "a = /    /; b / Date / c"],
    ["an apostrophe in a page up to the end of its line", "<p>don't Date</p>\nDate", "<p>don'         >\nDate"],
  ])("blanks %s", (_, source, bare) => {
    expect(strip(source).bare).toBe(bare);
    expect(strip(source).code).toHaveLength(source.length);
  });

  test("keeps strings in the code", () => {
    expect(strip('import "a"; // b').code).toBe('import "a";     ');
  });
});

test("importsOf finds every form of import, tells types apart, and is not fooled by strings and comments", () => {
  const source = [
    'import a, { type B } from "one";',
    "import type { C } from 'two';",
    'import {\n  d,\n} from "three";',
    'import "four";',
    'export * from "five";',
    'export type { E } from "six";',
    'const f = await import("seven");',
    'type G = typeof import("eight");',
    '// import "comment";',
    'const text = `import "string"`;',
    'files.import("method");',
  ].join("\n");
  expect(importsOf(strip(source)).map(({ from, isType }) => [from, isType])).toEqual([
    ["one", false],
    ["two", true],
    ["three", false],
    ["four", false],
    ["five", false],
    ["six", true],
    ["seven", false],
    ["eight", true],
  ]);
});
