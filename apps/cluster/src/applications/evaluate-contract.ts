/**
 * The one time that a developer's contract is evaluated: in a process of its own under Node's permission model, with no
 * environment and only its own bundle to read. It answers with the contract as JSON or with every problem found, the
 * acceptance tests' included. The same way execution.ts is loaded once, to name operations without a handler.
 */
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ContractJson, ContractProblem } from "@redoubt/application";
import { upgradeProblems } from "@redoubt/application";
import type { Result } from "@redoubt/shared";
import { fail, ok } from "@redoubt/shared";
import { nodePermissionFlags } from "../workers/sandbox.ts";
import { bundleEntry } from "./bundle-entry.ts";

const run = promisify(execFile);
const EVALUATION_LIMIT_MS = 20_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

const EVALUATE_CONTRACT = `
import { compileContract, prepareAcceptance, withStrength } from "@redoubt/application";
import definition from "./contract.ts";
const contract = compileContract(definition);
let answer = contract;
if (contract.ok) {
  try {
    const routines = await import("./acceptance.ts");
    const acceptance = prepareAcceptance(contract.value, routines.default, routines["upgrades"]);
    answer = acceptance.ok ? { ok: true, value: withStrength(acceptance.value) } : acceptance;
  } catch (error) {
    answer = { ok: false, error: [{ where: "acceptance.ts", field: "", message: error instanceof Error ? error.message : String(error) }] };
  }
}
process.stdout.write(JSON.stringify(answer));
`;

/** Evaluates `contract.ts` and `acceptance.ts` of an application's folder; `work` is a folder for the bundle of it. */
export async function evaluateContract(
  folder: string,
  work: string,
): Promise<Result<ContractJson, readonly ContractProblem[]>> {
  const code = await bundleEntry({ folder, entry: "evaluate-contract.ts", contents: EVALUATE_CONTRACT, rules: "any" });
  if (!code.ok) return code;
  await writeFile(join(work, "evaluate-contract.mjs"), code.value);
  const output = await evaluate(work, "evaluate-contract.mjs", "contract.ts");
  return output.ok ? (JSON.parse(output.value) as Result<ContractJson, readonly ContractProblem[]>) : output;
}

const EVALUATE_EXECUTION = `
const { default: handlers, upgrades } = await import("./execution.mjs");
const functionsOf = (value) =>
  value === null || typeof value !== "object" ? [] : Object.keys(value).filter((name) => typeof value[name] === "function");
const steps = upgrades === null || typeof upgrades !== "object" ? {} : upgrades;
process.stdout.write(JSON.stringify({
  handlers: functionsOf(handlers),
  upgrades: Object.fromEntries(Object.keys(steps).map((type) => [type, functionsOf(steps[type])])),
}));
`;

/** Loads `execution.mjs` of a bundle and names the operations that have no handler. */
export async function evaluateExecution(work: string, contract: ContractJson): Promise<readonly ContractProblem[]> {
  await writeFile(join(work, "evaluate-execution.mjs"), EVALUATE_EXECUTION);
  const output = await evaluate(work, "evaluate-execution.mjs", "execution.ts");
  if (!output.ok) return output.error;
  const { handlers, upgrades } = JSON.parse(output.value) as {
    readonly handlers: readonly string[];
    readonly upgrades: Readonly<Record<string, readonly string[]>>;
  };
  const missing = Object.keys(contract.operations)
    .filter((name) => !handlers.includes(name))
    .map((name) => ({ where: `operation ${name}`, field: "execution", message: "has no handler in execution.ts" }));
  const steps = Object.entries(upgrades).map(([type, versions]) => [
    type,
    Object.fromEntries(versions.map((version) => [version, () => undefined])),
  ]);
  return [...missing, ...upgradeProblems(contract, Object.fromEntries(steps), "execution.ts")];
}

async function evaluate(
  work: string,
  script: string,
  file: string,
): Promise<Result<string, readonly ContractProblem[]>> {
  const flags = nodePermissionFlags(work);
  try {
    const options = { cwd: work, env: {}, timeout: EVALUATION_LIMIT_MS, maxBuffer: OUTPUT_BYTES_MAX };
    const { stdout } = await run(process.execPath, [...flags, join(work, script)], options);
    return ok(stdout);
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return fail([{ where: file, field: "", message: errorLine(stderr ?? "") ?? message }]);
  } finally {
    await rm(join(work, script));
  }
}

/** The line of a stack trace that says what happened. */
const errorLine = (stderr: string): string | undefined => stderr.split("\n").find((line) => /^\w*Error\b/.test(line));
