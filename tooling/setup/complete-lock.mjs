/**
 * Adds to package-lock.json the optional programs for other platforms that npm left out, and says which.
 *
 * A registry mirror may hold such programs for some platforms only. npm then writes a lock file without the others,
 * and `npm ci` refuses that lock file everywhere. An entry needs only the version (which its parent names exactly) and
 * the platform (which its name tells); npm never fetches an entry for another platform. Run after a change of versions:
 * `node tooling/setup/complete-lock.mjs`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "./workspaces.mjs";

/**
 * @typedef {{ version?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[],
 *   dependencies?: Record<string, string>, optionalDependencies?: Record<string, string> }} LockEntry
 */

/** Words of package names, and what npm calls them. */
const systems = new Map(
  ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "sunos", "win32"].map((name) => [name, name]),
).set("windows", "win32");
const processors = new Map(
  ["arm", "arm64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "wasm32", "x64"].map((name) => [name, name]),
).set("64", "x64");

/**
 * @param {Record<string, LockEntry>} packages of a lock file, by path
 * @returns {{ path: string, name: string, version: string }[]} optional dependencies that have no entry
 */
export function missingOptionals(packages) {
  return Object.entries(packages).flatMap(([parentPath, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !isResolved(packages, parentPath, name))
      .map(([name, version]) => ({ path: `node_modules/${name}`, name, version })),
  );
}

/**
 * @param {Record<string, LockEntry>} packages
 * @param {string} parentPath
 * @param {string} name
 */
function isResolved(packages, parentPath, name) {
  for (let path = parentPath; ; path = path.slice(0, Math.max(0, path.lastIndexOf("/node_modules/")))) {
    if (packages[path === "" ? `node_modules/${name}` : `${path}/node_modules/${name}`] !== undefined) return true;
    if (path === "") return false;
  }
}

/**
 * @param {string} name such as `@turbo/windows-arm64` or `@biomejs/cli-linux-x64-musl`
 * @param {string} version
 * @returns {LockEntry | undefined} nothing when the name tells no platform
 */
export function entryFor(name, version) {
  const words = (name.split("/").at(-1) ?? "").split("-");
  const os = words.flatMap((word) => systems.get(word) ?? []);
  const cpu = words.flatMap((word) => processors.get(word) ?? []);
  if (cpu.length !== 1 || (os.length !== 1 && cpu[0] !== "wasm32") || !/^\d/.test(version)) return undefined;
  const libc = words.includes("musl") ? { libc: ["musl"] } : {};
  return { version, cpu, ...libc, optional: true, ...(os.length === 0 ? {} : { os }) };
}

function main() {
  const path = join(projectRoot, "package-lock.json");
  const lock = JSON.parse(readFileSync(path, "utf8"));
  for (const missing of missingOptionals(lock.packages)) {
    const entry = entryFor(missing.name, missing.version);
    if (entry === undefined) throw new Error(`${missing.name}@${missing.version}: its name does not tell its platform`);
    lock.packages[missing.path] = entry;
    process.stdout.write(`added ${missing.name}@${missing.version}\n`);
  }
  /** @type {[string, LockEntry][]} */
  const entries = Object.entries(lock.packages);
  entries.sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = Object.fromEntries(entries);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();
