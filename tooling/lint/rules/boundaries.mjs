/**
 * Import boundaries: a package imports what the table allows and what its package.json lists, and never reaches into
 * another package by a relative path. Tests may use any development dependency, `node:` modules, the tooling
 * and the examples.
 */
import { posix } from "node:path";
import { boundaries, componentFolders, drillsFolder } from "../boundary-table.mjs";

/** @typedef {import("../project.mjs").Import} Import */
/** @typedef {import("../project.mjs").Project} Project */
/** @typedef {import("../project.mjs").SourceFile} SourceFile */
/** @typedef {import("../boundary-table.mjs").Boundary} Boundary */

const testTools = new Set(["vitest", "fast-check"]);
const protocolSource = "packages/protocol/src/";

/**
 * @param {string} from such as `@trpc/server/adapters` or `zod`
 * @returns {string} the package's name
 */
export function packageOf(from) {
  return from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");
}

/**
 * @param {string} from
 * @param {string} allowed a package or a subpath of one
 */
function isWithin(from, allowed) {
  return from === allowed || from.startsWith(`${allowed}/`);
}

/**
 * @param {Project} project
 * @param {string} path of a file
 * @returns {string} folder of the package that holds it, "" for the root
 */
function packageFolderOf(project, path) {
  // The schemas and their engine belong to the database package, though Prisma wants them in a folder of their own.
  if (path.startsWith("prisma/")) return "packages/database";
  for (let folder = posix.dirname(path); folder !== "."; folder = posix.dirname(folder)) {
    if (project.manifests.has(folder)) return folder;
  }
  return "";
}

/**
 * @param {Project} project
 * @param {SourceFile} file
 * @param {Import} imported a relative one
 * @returns {string | undefined} what is wrong
 */
function judgeRelative(project, file, imported) {
  const target = posix.join(posix.dirname(file.path), imported.from);
  const own = packageFolderOf(project, file.path);
  const stays = target.startsWith(`${own}/`) || packageFolderOf(project, target) === own;
  const isTooling = target.startsWith("tooling/");
  if (
    own !== "" &&
    !stays &&
    !(isTooling && (file.isTest || own === "e2e" || own === "bench")) &&
    !(file.isTest && target.startsWith("examples/"))
  ) {
    return `reaches out of ${own} to ${target}: import the package by its name`;
  }
  if (!file.path.startsWith(protocolSource) || file.isTest) return undefined;
  const [component = ""] = file.path.slice(protocolSource.length).split("/");
  if (!componentFolders.includes(component)) return undefined;
  const [targetFolder = ""] = target.slice(protocolSource.length).split("/");
  const isOther = componentFolders.includes(targetFolder) && targetFolder !== component;
  if (isOther || /^index\.ts$/.test(targetFolder)) {
    return `${component} imports ${targetFolder}: components share only what lies outside of their folders`;
  }
  return undefined;
}

/**
 * @param {Boundary} boundary
 * @param {SourceFile} file
 * @param {Import} imported one of our packages
 * @returns {string | undefined}
 */
function judgeOurs(boundary, file, imported) {
  const { from } = imported;
  if (isWithin(from, "@redoubt/tooling")) return file.isTest ? undefined : `only tests may import ${from}`;
  if (from === "@redoubt/adversary" && boundary.folder === "apps/cluster/" && !file.path.startsWith(drillsFolder)) {
    return `${from} may be imported only in ${drillsFolder}`;
  }
  if (boundary.ours.some((allowed) => isWithin(from, allowed))) {
    const isClientSide = /^\s*["']use client["']/.test(file.code);
    if (from.startsWith("@redoubt/database") && boundary.folder === "apps/console/" && isClientSide) {
      return `${from} may be imported only by the console's server code`;
    }
    return undefined;
  }
  if (boundary.types?.some((allowed) => isWithin(from, allowed))) {
    return imported.isType ? undefined : `of ${from} only types may be imported (import type)`;
  }
  return `${boundary.folder} may not import ${from}`;
}

/**
 * @param {Project} project
 * @param {SourceFile} file
 * @param {string} name of a package
 */
function isListed(project, file, name) {
  const folders = [packageFolderOf(project, file.path), ""];
  return folders.some((folder, index) => {
    const manifest = project.manifests.get(folder);
    // The root's packages are tools: tests and configuration may use them.
    if (index === 1 && folder !== folders[0] && !file.isTest && !/\.config\.\w+$/.test(file.path)) return false;
    const listed = { ...manifest?.dependencies, ...manifest?.devDependencies, ...manifest?.peerDependencies };
    return listed[name] !== undefined || manifest?.name === name;
  });
}

/**
 * @param {Project} project
 * @param {SourceFile} file
 * @param {Import} imported
 * @returns {string | undefined}
 */
function judge(project, file, imported) {
  const { from } = imported;
  if (from.startsWith(".")) return judgeRelative(project, file, imported);
  const boundary = boundaries.find(({ folder }) => file.path.startsWith(folder));
  const isConfiguration = /(^|\/)[\w-]+\.config\.\w+$/.test(file.path);
  if (from.startsWith("node:")) {
    const isAllowed = boundary === undefined || boundary.node || file.isTest || isConfiguration;
    return isAllowed ? undefined : `${boundary.folder} may not import ${from}`;
  }
  const name = packageOf(from);
  if (/^@prisma\/|^prisma$/.test(name) && !/^(packages\/database|prisma)\//.test(file.path)) {
    return `only packages/database may import ${from}`;
  }
  if (from.startsWith("@/") || from.startsWith("#")) return undefined;
  if (file.isTest && testTools.has(name)) return undefined;
  if (!isListed(project, file, name)) return `${from} is not listed in the package.json of its package`;
  if (boundary === undefined) return undefined;
  if (name.startsWith("@redoubt/")) return judgeOurs(boundary, file, imported);
  const isExternal = boundary.external === "any" || boundary.external.includes(name) || file.isTest || isConfiguration;
  return isExternal ? undefined : `${boundary.folder} may not import ${from}`;
}

/** The acceptance tests of an application may not be reached by a poisoned dependency of its execution part. */
const acceptanceMayImport = ["./contract.ts", "@redoubt/application", "zod"];

/** @type {import("../project.mjs").Rule} */
export const rule = {
  name: "boundaries",
  check(project) {
    return project.files.flatMap((file) =>
      file.imports.flatMap((imported) => {
        const isAcceptance = /^examples\/[^/]+\/acceptance\.ts$/.test(file.path);
        const message =
          isAcceptance && !acceptanceMayImport.includes(imported.from)
            ? `acceptance.ts may import only ${acceptanceMayImport.join(", ")}`
            : judge(project, file, imported);
        return message === undefined ? [] : [{ file: file.path, line: imported.line, message }];
      }),
    );
  },
};
