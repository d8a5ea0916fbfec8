import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleApplication } from "./bundle-application.ts";
import { BUNDLE_FILES, loadApplication } from "./load-application.ts";

const BANK = fileURLToPath(new URL("../../../../examples/bank", import.meta.url));
let scratch: string;
let out: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "redoubt-bundle-"));
  out = join(scratch, "applications");
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const CONTRACT = `
import { defineContract } from "@redoubt/application";
import { z } from "zod";
export default defineContract({
  name: "counters", title: "Counters", version: 1,
  objects: { counter: { key: "{name}", schema: z.strictObject({ value: z.int() }) } },
  operations: {
    count: {
      title: "Count {name}", input: z.strictObject({ name: z.string(), by: z.int() }), output: z.strictObject({ value: z.int() }),
      access: [{ object: "counter/{name}", mode: "write" }],
    },
  },
});`;
const EXECUTION = `export default { async count(transaction, { name, by }) {
  const { value } = await transaction.get("counter/" + name);
  transaction.set("counter/" + name, { value: value + by });
  return { value: value + by };
} };`;
const ACCEPTANCE = `
import { conserves } from "@redoubt/application";
export default { count: { accept: conserves("counter", ({ value }) => value, ({ input }) => input.by) } };`;

let applications = 0;
function application(files: { contract?: string; execution?: string; acceptance?: string }): string {
  const folder = join(scratch, `application-${++applications}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "contract.ts"), files.contract ?? CONTRACT);
  writeFileSync(join(folder, "execution.ts"), files.execution ?? EXECUTION);
  writeFileSync(join(folder, "acceptance.ts"), files.acceptance ?? ACCEPTANCE);
  return folder;
}

async function problemsOf(files: Parameters<typeof application>[0]): Promise<string> {
  const outcome = await bundleApplication(application(files), out);
  expect(outcome.ok).toBe(false);
  return outcome.ok ? "" : outcome.error.map(({ where, field, message }) => `${where}|${field}|${message}`).join("\n");
}

describe("the bank's bundle", () => {
  test("holds contract, execution, acceptance and workers, and loads by its hash", async () => {
    const bundled = await bundleApplication(BANK, out);
    if (!bundled.ok) throw new Error(JSON.stringify(bundled.error));
    const loaded = loadApplication(bundled.value.directory);
    expect(loaded.hash).toBe(bundled.value.hash);
    expect(Object.keys(loaded.contract.operations)).toEqual([
      ...["balance", "deposit", "transfer", "write-check", "amalgamate", "statement", "import-statement"],
    ]);
    expect(loaded.contract.genesis).toHaveLength(1000);
    const again = await bundleApplication(BANK, out);
    expect(again.ok && again.value.hash).toBe(loaded.hash);
  });

  test("does not load when a file was changed", async () => {
    const bundled = await bundleApplication(application({}), out);
    if (!bundled.ok) throw new Error(JSON.stringify(bundled.error));
    const { directory } = bundled.value;
    for (const name of BUNDLE_FILES) {
      const path = join(directory, name);
      const before = readFileSync(path);
      writeFileSync(path, `${before} `);
      expect(() => loadApplication(directory)).toThrow(name);
      writeFileSync(path, before);
    }
    expect(loadApplication(directory).hash).toBe(bundled.value.hash);
  });

  test("is the same wherever the folder and the reader are", async () => {
    const folder = application({});
    const link = join(scratch, "another-name");
    symlinkSync(folder, link);
    const [first, second] = await Promise.all([
      bundleApplication(folder, out),
      bundleApplication(link, join(scratch, "other")),
    ]);
    expect(first.ok && second.ok && first.value.hash === second.value.hash).toBe(true);
  });
});

describe("an application is refused", () => {
  test("without one of its files", async () => {
    const folder = application({});
    rmSync(join(folder, "acceptance.ts"));
    const outcome = await bundleApplication(folder, out);
    expect(!outcome.ok && outcome.error[0]?.where).toBe("acceptance.ts");
  });

  test("when an operation has no acceptance test (R7)", async () => {
    expect(await problemsOf({ acceptance: "export default {};" })).toContain("operation count|accept|");
  });

  test("when an operation has no handler", async () => {
    expect(await problemsOf({ execution: "export default {};" })).toContain("operation count|execution|");
  });

  test("when a refusal has no predicate", async () => {
    const contract = CONTRACT.replace(
      'mode: "write" }],',
      '$& refusals: { full: { status: 409, title: "Full", detail: "" } },',
    );
    expect(await problemsOf({ contract })).toContain('operation count|refusals|refusal "full"');
  });

  test.each([
    ["does not parse", "counter/{name", "a { without a }"],
    ["names no field of the input", "counter/{nmae}", 'no field "nmae"'],
    ["names no object type", "conuter/{name}", "names no object type"],
    ["has another key", "counter/{name}/{by}", "must have the key {name}"],
  ])("when an access template %s, naming operation and field", async (_, template, message) => {
    const problems = await problemsOf({ contract: CONTRACT.replace("counter/{name}", template) });
    expect(problems).toContain("operation count|access|");
    expect(problems).toContain(message);
  });

  test("when a schema cannot be JSON Schema, naming operation and field", async () => {
    const contract = CONTRACT.replace("by: z.int()", "by: z.date()");
    expect(await problemsOf({ contract })).toContain("operation count|input|");
  });

  test("when a read-only operation writes", async () => {
    const contract = CONTRACT.replace('title: "Count {name}"', 'title: "Count {name}", readOnly: true');
    expect(await problemsOf({ contract })).toContain("read-only");
  });

  test.each(["./execution.ts", "./helper.ts", "node:fs", "left-pad"])(
    "when the acceptance test imports %s",
    async (path) => {
      const files = { acceptance: `import * as other from "${path}"; console.log(other);${ACCEPTANCE}` };
      const problems = await problemsOf(files);
      expect(problems).toContain(path);
    },
  );

  test("when the acceptance test has a template that does not parse", async () => {
    const acceptance = ACCEPTANCE.replaceAll("conserves", "onlyChanges").replace(
      /onlyChanges\("counter".*\)/,
      'onlyChanges({ "counter/{": [] })',
    );
    expect(await problemsOf({ acceptance })).toContain("counter/{");
  });

  test("when the contract reads files or starts processes while it is evaluated", async () => {
    const contract = `import { readFileSync } from "node:fs"; readFileSync("/etc/passwd");${CONTRACT}`;
    expect(await problemsOf({ contract, acceptance: ACCEPTANCE })).toContain("Access to this API has been restricted");
  });
});
