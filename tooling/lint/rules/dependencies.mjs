/**
 * Dependencies are exact, explained and complete: every version is one version and not a range, every direct dependency
 * stands with that version in docs/DEPENDENCIES.md, and the lock file has an entry for every optional package, without
 * which npm refuses it on every machine.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { missingOptionals } from "../../setup/complete-lock.mjs";
import { lineAt } from "../project.mjs";

/** @typedef {import("../project.mjs").Project} Project */
/** @typedef {import("../project.mjs").Manifest} Manifest */
/** @typedef {Omit<import("../project.mjs").Problem, "rule">} Finding */

const listPath = "docs/DEPENDENCIES.md";
const exactVersion = /^\d+\.\d+\.\d+([-+][\w.-]+)?$/;
const listedRow = /^\| `(?<name>[^`]+)` \| (?<version>[^ |]+) \|.*\| *(?<reason>[^|]*?) *\|$/gm;

/**
 * @param {Manifest} manifest
 * @returns {[string, string][]} every direct dependency
 */
function dependenciesOf(manifest) {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies, ...peerDependencies });
}

/**
 * @param {Project} project
 * @returns {Finding[]}
 */
function findRanges(project) {
  return [...project.manifests].flatMap(([folder, manifest]) => {
    const file = folder === "" ? "package.json" : `${folder}/package.json`;
    const text = project.files.find(({ path }) => path === file)?.text ?? "";
    return dependenciesOf(manifest)
      .filter(([, version]) => !exactVersion.test(version))
      .map(([name, version]) => ({
        file,
        line: lineAt(text, Math.max(0, text.indexOf(`"${name}"`))),
        message: `${name} is "${version}": name one exact version`,
      }));
  });
}

/**
 * @param {Project} project
 * @returns {Finding[]}
 */
function findUnexplained(project) {
  const list = project.files.find(({ path }) => path === listPath)?.text;
  if (list === undefined) return [];
  const rows = new Map([...list.matchAll(listedRow)].map((row) => [row.groups?.name ?? "", row.groups]));
  const direct = new Map([...project.manifests.values()].flatMap(dependenciesOf));
  const wanted = [...direct].filter(([name]) => !name.startsWith("@redoubt/"));
  const missing = wanted.flatMap(([name, version]) => {
    const row = rows.get(name);
    if (row === undefined) return [`${name} ${version} is not listed with a reason`];
    if (row.version !== version) return [`${name} is listed as ${row.version}, used is ${version}`];
    return row.reason === "" ? [`${name} has no reason`] : [];
  });
  const gone = [...rows.keys()].filter((name) => !direct.has(name)).map((name) => `${name} is listed but not used`);
  return [...missing, ...gone].map((message) => ({ file: listPath, line: 1, message }));
}

/**
 * @param {Project} project
 * @returns {Finding[]}
 */
function findIncompleteLock(project) {
  const path = join(project.root, "package-lock.json");
  if (!existsSync(path)) return [];
  return missingOptionals(JSON.parse(readFileSync(path, "utf8")).packages).map(({ name, version }) => ({
    file: "package-lock.json",
    line: 1,
    message: `no entry for ${name}@${version}: run node tooling/setup/complete-lock.mjs`,
  }));
}

/** @type {import("../project.mjs").Rule} */
export const rule = {
  name: "dependencies",
  check(project) {
    return [...findRanges(project), ...findUnexplained(project), ...findIncompleteLock(project)];
  },
};
