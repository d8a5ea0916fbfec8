/**
 * Brings a checkout to the point where its programs run: packages installed, database clients generated, sources built.
 * First it only looks, which takes well under a second; the lock and the work come when something is stale. It needs
 * nothing but Node and npm, and prints to standard error only.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build, buildTargets, generate, generateFingerprint, hasGenerated } from "./build.mjs";
import { finishInstall, install, installFingerprint, isInstalledAsLocked } from "./install.mjs";
import { withLock } from "./lock.mjs";
import { restoreOwnership } from "./ownership.mjs";
import { readStamp, writeStamp } from "./stamp.mjs";

/** @typedef {import("./build.mjs").Extent} Extent */
/** @typedef {{ installed: boolean, generated: boolean, built: string[] }} PrepareReport what had to be done */

const lockFile = ".turbo/setup.lock";

/** @param {string} line */
function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/** @param {string} root */
function installIsStale(root) {
  return readStamp(root).installed !== installFingerprint(root);
}

/** @param {string} root */
function generateIsStale(root) {
  const wanted = generateFingerprint(root);
  return wanted !== undefined && (readStamp(root).generated !== wanted || !hasGenerated(root));
}

/**
 * @param {string} root
 * @param {Extent} extent
 * @returns {string[]} names of the packages to build
 */
function stalePackages(root, extent) {
  const { built } = readStamp(root);
  return [...buildTargets(root, extent)]
    .filter(([name, target]) => built[name] !== target.fingerprint || !existsSync(join(root, target.output)))
    .map(([name]) => name);
}

/**
 * @param {string} root
 * @returns {Promise<boolean>} whether anything was downloaded
 */
async function bringPackages(root) {
  if (!installIsStale(root)) return false;
  const wanted = installFingerprint(root);
  const isThere = isInstalledAsLocked(root);
  if (!isThere) {
    say("installing packages (a minute or two the first time)");
    await install(root);
  }
  finishInstall(root);
  writeStamp(root, { installed: wanted, built: {} });
  return !isThere;
}

/**
 * @param {string} root
 * @param {Extent} extent
 * @returns {Promise<PrepareReport>}
 */
async function bringUpToDate(root, extent) {
  const installed = await bringPackages(root);
  const generated = generateIsStale(root);
  if (generated) {
    // The fingerprint is taken before the work: what changes during it is stale again afterwards.
    const wanted = generateFingerprint(root);
    say("generating the database clients");
    await generate(root);
    writeStamp(root, { ...readStamp(root), generated: wanted });
  }
  const stale = stalePackages(root, extent);
  if (stale.length > 0) {
    const targets = buildTargets(root, extent);
    say(`building ${stale.map((name) => name.replace("@redoubt/", "")).join(", ")}`);
    await build(root, extent);
    const built = Object.fromEntries([...targets].map(([name, target]) => [name, target.fingerprint]));
    const stamp = readStamp(root);
    writeStamp(root, { ...stamp, built: { ...stamp.built, ...built } });
    finishInstall(root);
  }
  return { installed, generated, built: stale };
}

/**
 * Does whatever is needed before any other program of the project can run. Two calls at once wait for each other.
 * @param {string} root the checkout
 * @param {Extent} extent
 * @returns {Promise<PrepareReport>}
 * @throws {Error} whose message is one line that ends in the remedy
 */
export async function prepare(root, extent) {
  if (!installIsStale(root) && !generateIsStale(root) && stalePackages(root, extent).length === 0) {
    return { installed: false, generated: false, built: [] };
  }
  const startedAtMs = performance.now();
  try {
    return await withLock(
      join(root, lockFile),
      (holder) => say(`waiting for another set-up (process ${holder})`),
      async () => {
        try {
          return await bringUpToDate(root, extent);
        } finally {
          restoreOwnership(root);
          say(`took ${((performance.now() - startedAtMs) / 1000).toFixed(0)} s`);
        }
      },
    );
  } catch (error) {
    const { code, path } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code !== "EACCES" && code !== "EROFS" && code !== "EPERM") throw error;
    throw new Error(
      `${path ?? root} cannot be written by this user: run as the owner of ${root}, or clone it into a folder of your own`,
    );
  }
}
