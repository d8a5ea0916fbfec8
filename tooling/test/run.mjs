/**
 * `npm test`: runs the parts in order, each within its own time and within the time left for all, continues after a
 * failure, and ends with the one line `N passed, N failed` (with `--json`: the same as JSON, with the parts).
 * Flags: `--full` adds the long parts, `--parts a,b` runs only those, `--json`.
 */
import { sum } from "./count.mjs";
import { furtherParts, usualParts } from "./parts.mjs";

/** @typedef {import("./count.mjs").Count} Count */
/** @typedef {import("./parts.mjs").Part} Part */

const usualLimitMs = 24.5 * 60_000;

/**
 * @param {Part} part
 * @param {number} leftMs
 * @returns {Promise<Count & { name: string, seconds: number }>}
 */
async function runPart(part, leftMs) {
  const startedAtMs = performance.now();
  const limitMs = Math.min(part.limitMs, leftMs);
  process.stdout.write(`\n== ${part.name} (at most ${Math.round(limitMs / 1000)} s)\n`);
  /** @type {Count} */
  let count;
  try {
    count = limitMs > 0 ? await part.run(limitMs) : { passed: 0, failed: 1, reason: "no time was left for it" };
  } catch (error) {
    count = { passed: 0, failed: 1, reason: /** @type {Error} */ (error).message };
  }
  const seconds = (performance.now() - startedAtMs) / 1000;
  const why = count.reason === undefined ? "" : `: ${count.reason}`;
  process.stdout.write(
    `== ${part.name}: ${count.passed} passed, ${count.failed} failed in ${seconds.toFixed(0)} s${why}\n`,
  );
  return { ...count, name: part.name, seconds: Math.round(seconds) };
}

/**
 * @param {string[]} args
 * @returns {{ parts: Part[], isFull: boolean, isJson: boolean }}
 * @throws {Error} naming what is not known
 */
function readFlags(args) {
  const all = [...usualParts, ...furtherParts];
  const partsAt = args.indexOf("--parts");
  const names = partsAt === -1 ? undefined : (args[partsAt + 1] ?? "").split(",");
  const unknownName = names?.find((name) => !all.some((part) => part.name === name));
  if (unknownName !== undefined) {
    throw new Error(`no part is called "${unknownName}"; there are ${all.map(({ name }) => name).join(", ")}`);
  }
  const known = new Set(["--full", "--json", "--parts"]);
  const unknownFlag = args.find((arg, index) => !known.has(arg) && (partsAt === -1 || index !== partsAt + 1));
  if (unknownFlag !== undefined) throw new Error(`unknown flag ${unknownFlag}; known are ${[...known].join(", ")}`);
  const isFull = args.includes("--full");
  const parts = names === undefined ? (isFull ? all : usualParts) : all.filter(({ name }) => names.includes(name));
  return { parts, isFull, isJson: args.includes("--json") };
}

let isInterrupted = false;
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    isInterrupted = true;
  });
}

/**
 * @param {string[]} args
 * @returns {Promise<number>} exit code
 */
async function main(args) {
  const { parts, isFull, isJson } = readFlags(args);
  const startedAtMs = performance.now();
  const results = [];
  for (const part of parts) {
    if (isInterrupted) break;
    const leftMs = isFull ? Number.POSITIVE_INFINITY : usualLimitMs - (performance.now() - startedAtMs);
    results.push(await runPart(part, leftMs));
  }
  const total = sum(results);
  if (isInterrupted) total.failed += 1;
  process.stdout.write("\n");
  for (const { name, passed, failed, seconds } of results) {
    process.stdout.write(
      `${name.padEnd(14)} ${String(passed).padStart(5)} passed ${String(failed).padStart(3)} failed ${seconds} s\n`,
    );
  }
  if (isJson) process.stdout.write(`${JSON.stringify({ ...total, parts: results })}\n`);
  else process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);
  return total.failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`npm test: ${/** @type {Error} */ (error).message}\n`);
  process.exitCode = 2;
}
