import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { projectRoot } from "../setup/workspaces.mjs";
import { applyPatch, parsePatch, readMutants } from "./patches.mjs";

const mutants = readMutants(join(projectRoot, "tooling/mutants/patches"));

test("there are at least thirty mutants, each of its own name and title", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(30);
  expect(new Set(mutants.map(({ title }) => title)).size).toBe(mutants.length);
});

test.each(mutants)("$name applies to the sources, exactly once", (mutant) => {
  for (const text of applyPatch(projectRoot, mutant).values()) expect(text.length).toBeGreaterThan(0);
});

describe("a patch", () => {
  const patch = (text: string) => parsePatch("broken", `A title\nworld ordinary 1-2\nfile source.ts\n${text}`);

  const inFolder = (source: string, text: string): string => {
    const folder = mkdtempSync(join(tmpdir(), "redoubt-patch-"));
    try {
      writeFileSync(join(folder, "source.ts"), source);
      return applyPatch(folder, patch(text)).get(join(folder, "source.ts")) ?? "";
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  test("replaces whole lines, with context, at the beginning and in the middle", () => {
    expect(inFolder("a\nb\nc\n", "-a\n+x")).toBe("x\nb\nc\n");
    expect(inFolder("a\nb\nc\n", " a\n-b\n+y\n@@\n-c\n+z\n+z")).toBe("a\ny\nz\nz\n");
  });

  test("is refused when its lines are not there, or there twice", () => {
    expect(() => inFolder("a\nb\n", "-c\n+x")).toThrow("found 0 times");
    expect(() => inFolder("a\nb\na\n", "-a\n+x")).toThrow("found 2 times");
  });

  test("that names no world, changes nothing or is written wrongly is refused", () => {
    expect(() => parsePatch("p", "A title\nfile source.ts\n-a")).toThrow("no world");
    expect(() => parsePatch("p", "A title\nworld ordinary 1-2\n")).toThrow("nothing is changed");
    expect(() => patch("what?")).toThrow("what is");
    expect(() => patch("+a")).toThrow("nothing to look for");
  });
});
