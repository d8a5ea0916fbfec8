import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TemporaryDirectory, temporaryDirectory } from "../adapters/testing/temporary-directory.ts";
import { keepCode, loadBundle, mapStacks } from "./load-bundle.ts";

let scratch: TemporaryDirectory;
let file: string;
const prepareStackTrace = Error.prepareStackTrace;

beforeEach(async () => {
  scratch = temporaryDirectory();
  file = join(scratch.path, "program.cjs");
  const source = join(scratch.path, "program.ts");
  writeFileSync(
    source,
    `export const name: string = "Grüße";

export function fail(): never {
  throw new Error("here");
}
export const later = () => importModule("node:os");
`,
  );
  await build({
    entryPoints: [source],
    outfile: file,
    format: "cjs",
    platform: "node",
    sourcemap: "external",
    banner: { js: "(function (exports, require, module, __filename, __dirname, importModule) {" },
    footer: { js: "})" },
    logLevel: "silent",
  });
});
afterEach(() => {
  Error.prepareStackTrace = prepareStackTrace;
  scratch.remove();
});

interface Program {
  readonly name: string;
  readonly fail: () => never;
  readonly later: () => Promise<object>;
}

test("a program is the same with the code that was kept and without, and with code that does not fit", async () => {
  const plain = loadBundle(file);
  expect(plain.isFromCache).toBe(false);
  keepCode(file);
  const cached = loadBundle(file);
  expect(cached.isFromCache).toBe(true);
  // What V8 compiled in this process it would find again without the cache.
  appendFileSync(file, "\n// another version");
  const refused = loadBundle(file);
  expect(refused.isFromCache).toBe(false);
  for (const { exports } of [plain, cached, refused]) {
    const { name, later } = exports as Program;
    expect(name).toBe("Grüße");
    expect(await later()).toHaveProperty("hostname");
  }
});

test("an error's stack names the place in the source, and one without a map still comes through", () => {
  mapStacks(file);
  const { fail } = loadBundle(file).exports as Program;
  const caught = (): Error => {
    try {
      return fail();
    } catch (error) {
      return error as Error;
    }
  };
  expect(caught().stack).toMatch(/^Error: here\n {4}at fail \(.*program\.ts:4:9\)\n/);
  writeFileSync(`${file}.map`, "no map");
  mapStacks(file);
  expect(caught().stack).toMatch(/^Error: here\n {4}at fail \(.*program\.cjs:\d+:\d+\)\n/);
});
