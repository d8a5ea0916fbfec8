/**
 * docs/REQUIREMENTS.md is kept true as far as a program can: every number once, every path there, nothing called done
 * without a test. What a test really shows is for its readers to judge.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const text = readFileSync(join(root, "docs", "REQUIREMENTS.md"), "utf8");

const COUNTS = { R: 93, U: 48, A: 38, B: 8, F: 14, I: 12 } as const;
const expected = Object.entries(COUNTS).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
);

const rows = text
  .split("\n")
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")))
  .filter(([name = ""]) => /^[RUABFI]\d+$/.test(name))
  .map(([name = "", requirement = "", code = "", tests = "", state = ""]) => ({
    name,
    requirement,
    code,
    tests,
    state,
  }));

const pathsOf = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path);

describe("docs/REQUIREMENTS.md", () => {
  test("has every number exactly once", () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...expected].sort());
  });

  test("says of each what it demands and in which state it is", () => {
    const wrong = rows.filter(
      ({ requirement, state }) => requirement === "" || !/^(done$|(done|partly|no test|open): \S|open$)/.test(state),
    );
    expect(wrong).toEqual([]);
  });

  test("names only code and tests that exist", () => {
    const missing = rows.flatMap(({ name, code, tests }) =>
      [...pathsOf(code), ...pathsOf(tests)]
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${name}: ${path}`),
    );
    expect(missing).toEqual([]);
  });

  test("calls tests what is run as tests: by vitest, on a whole cluster, in a browser, by drills, or by the simulator", () => {
    const isTest = /\.(test|spec)\.ts$|^e2e\/|^packages\/simulator\/src\/|^tooling\/test\/drills\.mjs$/;
    const others = rows.flatMap(({ name, tests }) =>
      pathsOf(tests)
        .filter((path) => !isTest.test(path))
        .map((path) => `${name}: ${path}`),
    );
    expect(others).toEqual([]);
  });

  test("calls nothing done or partly done that no test and no code stands for", () => {
    const unfounded = rows.filter(
      ({ code, tests, state }) =>
        /^(done|partly)/.test(state) && (pathsOf(code).length === 0 || pathsOf(tests).length === 0),
    );
    expect(unfounded).toEqual([]);
  });

  test("admits where a test is missing", () => {
    const silent = rows.filter(({ tests, state }) => pathsOf(tests).length === 0 && !/^(no test|open)/.test(state));
    expect(silent).toEqual([]);
  });
});
