/**
 * What the rules look at: every text file of a checkout that people write, with its source stripped on demand, and the
 * manifests of its packages. Generated and installed files and the failing fixtures of this linter are left out.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readManifest } from "../setup/workspaces.mjs";
import { importsOf } from "./imports.mjs";
import { strip } from "./source.mjs";

/** @typedef {import("./imports.mjs").Import} Import */
/** @typedef {import("../setup/workspaces.mjs").Manifest} Manifest */

/** @typedef {{ rule: string, file: string, line: number, message: string }} Problem */

/**
 * @typedef {object} SourceFile
 * @property {string} path relative to the root, with slashes
 * @property {string} text
 * @property {boolean} isCode TypeScript or JavaScript
 * @property {boolean} isTest
 * @property {string} code comments blanked
 * @property {string} bare comments and strings blanked
 * @property {Import[]} imports
 */

/** @typedef {{ root: string, files: SourceFile[], manifests: Map<string, Manifest> }} Project manifests by folder */

/** @typedef {{ name: string, check: (project: Project) => Omit<Problem, "rule">[] }} Rule */

const skippedFolders = new Set([
  ".git",
  ".next",
  ".redoubt",
  ".turbo",
  "compiler-fixtures",
  "dist",
  "generated",
  "node_modules",
  "playwright-report",
  "test-results",
]);
const skippedPaths = new Set(["tooling/lint/fixtures", "package-lock.json", "LICENSE"]);
const textFiles = /\.(tsx?|mts|mjs|cjs|jsx?|json|md|css|ya?ml|sh|sql|prisma|html|tpl)$|^\.ci\/|(^|\/)Dockerfile$/;
const codeFiles = /\.(tsx?|mts|mjs|cjs|jsx?)$/;
const testFiles = /\.(test|spec|test-support)\.(tsx?|mjs)$/;

/**
 * @param {string} root
 * @param {string} [prefix]
 * @returns {string[]} sorted
 */
function listFiles(root, prefix = "") {
  return readdirSync(join(root, prefix), { withFileTypes: true })
    .flatMap((entry) => {
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      if (skippedPaths.has(path)) return [];
      if (entry.isDirectory()) return skippedFolders.has(entry.name) ? [] : listFiles(root, path);
      return textFiles.test(path) ? [path] : [];
    })
    .sort();
}

/**
 * @param {string} root
 * @param {string} path
 * @returns {SourceFile}
 */
function openFile(root, path) {
  const text = readFileSync(join(root, path), "utf8");
  const isCode = codeFiles.test(path);
  /** @type {ReturnType<typeof strip> | undefined} */
  let stripped;
  /** @type {Import[] | undefined} */
  let imports;
  function strippedOnce() {
    stripped ??= isCode ? strip(text) : { code: text, bare: text };
    return stripped;
  }
  return {
    path,
    text,
    isCode,
    isTest: testFiles.test(path),
    get code() {
      return strippedOnce().code;
    },
    get bare() {
      return strippedOnce().bare;
    },
    get imports() {
      imports ??= isCode ? importsOf(strippedOnce()) : [];
      return imports;
    },
  };
}

/**
 * @param {string} root
 * @returns {Project}
 */
export function openProject(root) {
  const files = listFiles(root).map((path) => openFile(root, path));
  const folders = files.filter(({ path }) => /(^|\/)package\.json$/.test(path)).map(({ path }) => path.slice(0, -13));
  const manifests = new Map(
    folders
      .filter((folder) => existsSync(join(root, folder, "package.json")))
      .map((folder) => [folder, readManifest(join(root, folder, "package.json"))]),
  );
  return { root, files, manifests };
}

/**
 * @param {string} text
 * @param {number} position
 * @returns {number} counted from 1
 */
export function lineAt(text, position) {
  return text.slice(0, position).split("\n").length;
}

/**
 * Every place where a pattern matches.
 * @param {SourceFile} file
 * @param {string} text the file's text or a stripped form of it
 * @param {RegExp} pattern with the flag g
 * @param {(match: string) => string} messageOf
 * @returns {Omit<Problem, "rule">[]}
 */
export function findAll(file, text, pattern, messageOf) {
  return [...text.matchAll(pattern)].map((match) => ({
    file: file.path,
    line: lineAt(text, match.index),
    message: messageOf(match[0]),
  }));
}
