/**
 * The lint rules of this house: `node tooling/lint/lint.mjs [--update] [--json]`. General rules are Biome's; these are the
 * ones that only make sense here. `--update` writes the lengths of long files to the ratchet, where they have shrunk.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../setup/workspaces.mjs";
import { openProject } from "./project.mjs";
import { rule as boundaries } from "./rules/boundaries.mjs";
import { rule as dependencies } from "./rules/dependencies.mjs";
import { rule as drills } from "./rules/drills.mjs";
import { rule as environment } from "./rules/environment.mjs";
import { rule as length, linesMax, longFiles, ratchetPath } from "./rules/length.mjs";
import { rule as purity } from "./rules/purity.mjs";
import { rule as tests } from "./rules/tests.mjs";
import { rule as words } from "./rules/words.mjs";

/** @typedef {import("./project.mjs").Problem} Problem */

export const rules = [boundaries, dependencies, drills, environment, length, purity, tests, words];

/**
 * @param {string} root of a checkout, or of a fixture that looks like one
 * @returns {Problem[]}
 */
export function lint(root) {
  const project = openProject(root);
  return rules.flatMap((rule) => rule.check(project).map((found) => ({ rule: rule.name, ...found })));
}

/**
 * Lowers the ratchet to today's lengths. A file that has grown keeps its old allowance, so it still fails.
 * @param {string} root
 */
function updateRatchet(root) {
  const path = join(root, ratchetPath);
  /** @type {Record<string, number>} */
  const known = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  const long = longFiles(openProject(root));
  const kept = Object.entries(known)
    .filter(([file]) => long.has(file))
    .map(([file, lines]) => [file, Math.min(lines, long.get(file) ?? linesMax)]);
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
}

/** @param {string[]} args */
function main(args) {
  const unknown = args.find((arg) => arg !== "--update" && arg !== "--json");
  if (unknown !== undefined) {
    process.stderr.write(`lint: unknown flag ${unknown}; known are --update and --json\n`);
    process.exitCode = 2;
    return;
  }
  if (args.includes("--update")) updateRatchet(projectRoot);
  const problems = lint(projectRoot);
  for (const { rule, file, line, message } of problems) process.stderr.write(`${file}:${line} ${rule}: ${message}\n`);
  if (args.includes("--json")) process.stdout.write(`${JSON.stringify({ problems })}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main(process.argv.slice(2));
