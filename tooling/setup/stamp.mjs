/**
 * What the set-up has already done, kept inside node_modules so that whoever removes that folder starts afresh.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} Stamp fingerprints of what was installed, generated and built; absent = not done
 * @property {string} [installed]
 * @property {string} [generated]
 * @property {Record<string, string>} built by package name
 */

const stampFile = "node_modules/.redoubt-setup.json";

/**
 * @param {string} root
 * @returns {Stamp} empty when there is none or it cannot be read
 */
export function readStamp(root) {
  try {
    const stamp = JSON.parse(readFileSync(join(root, stampFile), "utf8"));
    return typeof stamp?.built === "object" && stamp.built !== null ? stamp : { built: {} };
  } catch {
    return { built: {} };
  }
}

/**
 * Writes the stamp in one step: a reader sees the old one or the new one.
 * @param {string} root
 * @param {Stamp} stamp
 */
export function writeStamp(root, stamp) {
  const path = join(root, stampFile);
  mkdirSync(join(root, "node_modules"), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(stamp)}\n`);
  renameSync(`${path}.${process.pid}`, path);
}
