/**
 * A place for one throw-away cluster: a data folder and a block of ports of its own. Whatever still runs there at the
 * end is shut down by the `redoubt` command, which knows its processes; the folder is removed.
 */
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { runToEnd } from "./child.mjs";
import { freePortBlock } from "./ports.mjs";
import { projectRoot } from "./workspaces.mjs";

/** @typedef {{ data: string, portBase: number }} Scratch */

/** The program behind the `redoubt` command. */
export const redoubtProgram = join(projectRoot, "apps/cli/bin/redoubt.mjs");

/**
 * @param {string} purpose a word for the folder's name
 * @returns {Promise<Scratch>}
 */
export async function openScratch(purpose) {
  const data = mkdtempSync(join(tmpdir(), `redoubt-${purpose}-`));
  // Postgres refuses to run as root and then runs as another user, who must be able to enter.
  chmodSync(data, 0o755);
  return { data, portBase: await freePortBlock() };
}

/**
 * @param {Scratch} scratch
 * @returns {string[]} the flags by which every cluster program takes its place
 */
export function scratchFlags(scratch) {
  return ["--data", scratch.data, "--port-base", String(scratch.portBase)];
}

/**
 * @param {Scratch} scratch
 * @returns {Record<string, string>} the same for programs that take no flags of ours
 */
export function scratchEnvironment(scratch) {
  return { REDOUBT_DATA: scratch.data, REDOUBT_PORT_BASE: String(scratch.portBase) };
}

/**
 * @param {Scratch} scratch
 * @param {{ keepFolder?: boolean }} [options] `keepFolder`: leave the logs for somebody to read
 */
export async function closeScratch(scratch, options = {}) {
  if (existsSync(join(scratch.data, "run")) && existsSync(redoubtProgram)) {
    await runToEnd(process.execPath, [redoubtProgram, "down", "--data", scratch.data], {
      cwd: projectRoot,
      show: false,
    });
  }
  if (options.keepFolder) return;
  removeData(scratch.data);
}

/** Where a database is kept whose user cannot enter the data folder (apps/cluster/src/adapters/postgres/data-folder.ts). */
const SUBSTITUTE = /^\/var\/tmp\/redoubt-postgres-[0-9a-f]{16}-[0-9a-f]{16}$/;
const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 200 };

/**
 * Removes a folder in which clusters kept their data, and the databases that had to be kept elsewhere: some 65 MB each, which
 * nothing would ever find again.
 * @param {string} data
 */
export function removeData(data) {
  if (!existsSync(data)) return;
  for (const path of readdirSync(data, { recursive: true, encoding: "utf8" })) {
    if (basename(path) !== "location" || basename(dirname(dirname(path))) !== "postgres") continue;
    const kept = readFileSync(join(data, path), "utf8").trim();
    if (SUBSTITUTE.test(kept)) rmSync(kept, removal);
  }
  rmSync(data, removal);
}
