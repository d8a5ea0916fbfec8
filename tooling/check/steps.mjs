/**
 * The quick checks of sources: format, lint, types. Each is one program run to its end; its output matters only when it
 * fails. The types of the packages' own sources are checked by building them, which the set-up has done before.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runToEnd } from "../setup/child.mjs";
import { projectRoot } from "../setup/workspaces.mjs";

/** @typedef {{ name: string, group: "format" | "lint" | "types", args: string[], needs: string[] }} Step */
/** @typedef {{ name: string, isGood: boolean, output: string, seconds: number }} StepResult */

const biome = "node_modules/@biomejs/biome/bin/biome";
const tsc = "node_modules/typescript/bin/tsc";

/** @type {Step[]} */
export const steps = [
  { name: "format", group: "format", args: [biome, "format", "."], needs: [biome] },
  { name: "lint: general rules", group: "lint", args: [biome, "lint", "--error-on-warnings", "."], needs: [biome] },
  { name: "lint: rules of this house", group: "lint", args: ["tooling/lint/lint.mjs"], needs: [] },
  { name: "types: tests", group: "types", args: [tsc, "-p", "tooling/tsconfig/tests.json"], needs: [tsc] },
  { name: "types: tooling", group: "types", args: [tsc, "-p", "tooling/tsconfig/tooling.json"], needs: [tsc] },
  { name: "types: e2e", group: "types", args: [tsc, "-p", "tooling/tsconfig/e2e.json"], needs: [tsc] },
  { name: "types: console", group: "types", args: [tsc, "-p", "tooling/tsconfig/console.json"], needs: [tsc] },
];

/**
 * @param {Step} step
 * @returns {Promise<StepResult>}
 */
export async function runStep(step) {
  const startedAtMs = performance.now();
  const missing = step.needs.find((path) => !existsSync(join(projectRoot, path)));
  const { code, output } =
    missing === undefined
      ? await runToEnd(process.execPath, step.args, { cwd: projectRoot, show: false })
      : { code: 1, output: `${missing} is missing: run npm run setup\n` };
  return { name: step.name, isGood: code === 0, output, seconds: (performance.now() - startedAtMs) / 1000 };
}
