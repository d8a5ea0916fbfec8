/**
 * Fingerprints of files by content, to tell what is stale. Times of change are not used: a fresh clone, a switch of
 * branches and a copy all keep the content and change the times. The sources are a few megabytes, so reading them all
 * costs a fraction of a second.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const skippedFolders = new Set([
  "node_modules",
  "dist",
  ".next",
  ".turbo",
  "generated",
  "test-results",
  "playwright-report",
]);
const skippedFiles = /(\.(test|test-support)\.tsx?|\.md|\.tsbuildinfo|\.log|next-env\.d\.ts|~|\.swp)$/;

/**
 * Lists the files below a folder that decide what a build produces.
 * @param {string} folder absolute
 * @param {string} [prefix]
 * @returns {string[]} paths relative to the folder, sorted
 */
export function listSources(folder, prefix = "") {
  /** @type {string[]} */
  const found = [];
  for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!skippedFolders.has(entry.name)) found.push(...listSources(folder, path));
    } else if (!skippedFiles.test(entry.name)) {
      found.push(path);
    }
  }
  return found.sort();
}

/**
 * @param {string} root
 * @param {string[]} paths files and folders relative to the root; missing ones count as absent
 * @returns {string} 64 hex digits
 */
export function fingerprint(root, paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const absolute = join(root, path);
    if (!existsSync(absolute)) {
      hash.update(`absent ${path}\0`);
      continue;
    }
    const files = statSync(absolute).isDirectory() ? listSources(absolute).map((file) => `${path}/${file}`) : [path];
    for (const file of files)
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update("\0");
  }
  return hash.digest("hex");
}

/**
 * @param {string} text
 * @returns {string} 64 hex digits
 */
export function fingerprintOfText(text) {
  return createHash("sha256").update(text).digest("hex");
}
