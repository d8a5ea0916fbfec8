import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));

function compile(...args: string[]): string {
  return spawnSync(process.execPath, [compiler, ...args], { cwd: root, encoding: "utf8" }).stdout;
}

test("what reaches out of a pure core does not compile under its configuration", () => {
  const output = compile("-p", "tooling/lint/compiler-fixtures/tsconfig.json", "--pretty", "false");
  const refused = new Set([...output.matchAll(/([\w-]+)\.ts\(\d+,\d+\): error/g)].map((match) => match[1]));
  expect([...refused].sort()).toEqual(["console", "fetch", "node-module", "process", "set-interval", "set-timeout"]);
});

test.each(["protocol", "simulator", "adversary"])(
  "packages/%s is compiled without any library but the language's",
  (name) => {
    const { compilerOptions } = JSON.parse(compile("-p", `packages/${name}/tsconfig.json`, "--showConfig"));
    expect(compilerOptions).toMatchObject({ lib: ["es2023"], types: [], strict: true });
  },
);
