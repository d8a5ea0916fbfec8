/**
 * What each npm script runs once the checkout is prepared. `start` is the only one that uses the caller's own data and
 * the default ports; the others that need a cluster get a scratch folder and a free block of ports, as flags and as
 * REDOUBT_DATA and REDOUBT_PORT_BASE.
 */

/**
 * @typedef {object} Script
 * @property {import("./build.mjs").Extent | "itself"} prepares how much is built first; `itself`: the program prepares
 *   the checkout as a part of what it reports
 * @property {string[]} program path of a Node program relative to the root, and leading arguments
 * @property {boolean} [takesScratch] gets a data folder and ports of its own
 * @property {boolean} [takesBrowser] gets REDOUBT_CHROMIUM
 */

const redoubt = "apps/cli/bin/redoubt.mjs";

/** @type {Record<string, Script>} by name of the npm script */
export const scripts = {
  start: { prepares: "all", program: [redoubt, "up"] },
  dev: { prepares: "all", program: ["tooling/dev/dev.mjs"], takesScratch: true },
  check: { prepares: "no-console", program: ["tooling/check/check-command.mjs"] },
  format: { prepares: "packages", program: ["tooling/check/format.mjs"] },
  lint: { prepares: "packages", program: ["tooling/check/check-command.mjs", "lint"] },
  typecheck: { prepares: "no-console", program: ["tooling/check/check-command.mjs", "types"] },
  unit: { prepares: "no-console", program: ["tooling/check/check-command.mjs", "unit"] },
  test: { prepares: "itself", program: ["tooling/test/run.mjs"] },
  "test:full": { prepares: "itself", program: ["tooling/test/run.mjs", "--full"] },
  simulate: { prepares: "no-console", program: [redoubt, "simulate"] },
  mutants: { prepares: "packages", program: ["tooling/mutants/run.mjs"] },
  e2e: {
    prepares: "itself",
    program: ["tooling/test/run.mjs", "--parts", "set-up,cluster,basic,degrees,wipe,confinement,torture,browser"],
  },
  "bench:state": { prepares: "no-console", program: ["bench/state.mjs"] },
  "bench:explorer": { prepares: "no-console", program: ["bench/explorer.mjs"] },
  "bench:execution": { prepares: "no-console", program: ["bench/execution.mjs"], takesScratch: true },
  bench: { prepares: "no-console", program: ["bench/run.mjs"], takesScratch: true },
  screenshots: { prepares: "all", program: ["e2e/screenshots.mjs"], takesScratch: true, takesBrowser: true },
  torture: { prepares: "all", program: ["e2e/torture/torture.mjs"], takesScratch: true },
  drills: { prepares: "all", program: ["tooling/test/drills.mjs"], takesScratch: true },
};
