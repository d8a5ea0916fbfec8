/**
 * The workspace packages of this repository, read from the root package.json. Knows `folder/*` and plain folders, the
 * two forms that the root uses.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root folder, without a slash at its end. */
export const projectRoot = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/**
 * @typedef {object} Manifest the parts of a package.json that the tooling reads
 * @property {string} [name]
 * @property {string[]} [workspaces]
 * @property {Record<string, string>} [scripts]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 */

/** @typedef {{ name: string, folder: string, manifest: Manifest }} Workspace folder is relative to the root */

/**
 * @param {string} path
 * @returns {Manifest}
 */
export function readManifest(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/**
 * @param {string} root
 * @returns {Workspace[]} sorted by folder
 */
export function readWorkspaces(root) {
  const patterns = readManifest(join(root, "package.json")).workspaces ?? [];
  const folders = patterns.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) return [pattern];
    const parent = pattern.slice(0, -2);
    if (!existsSync(join(root, parent))) return [];
    return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
  });
  return folders
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .sort()
    .map((folder) => {
      const manifest = readManifest(join(root, folder, "package.json"));
      return { name: manifest.name ?? folder, folder, manifest };
    });
}
