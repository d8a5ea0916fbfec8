/**
 * Generates the Prisma clients and builds the workspace packages whose sources changed since the last time. Turbo knows
 * how to build in order and what it has built before; asking it costs seconds, so our own fingerprints decide first
 * whether there is anything to ask.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { npmCommand, runToEnd } from "./child.mjs";
import { fingerprint, fingerprintOfText } from "./fingerprint.mjs";
import { readManifest, readWorkspaces } from "./workspaces.mjs";

/** @typedef {import("./workspaces.mjs").Workspace} Workspace */

/**
 * How much to build: nothing (formatting and lint read sources), everything but the console (by far the slowest to
 * build), or everything.
 * @typedef {"packages" | "no-console" | "all"} Extent
 */

const consoleName = "@redoubt/console";
const databaseFolder = "packages/database";
const generatedFolder = `${databaseFolder}/src/generated`;
const schemaSources = [
  "prisma",
  "prisma.config.ts",
  `${databaseFolder}/prisma.config.ts`,
  `${databaseFolder}/package.json`,
];
const sharedSources = ["package-lock.json", "turbo.json", "tooling/tsconfig"];

/**
 * @param {string} root
 * @returns {string | undefined} nothing when the database package generates no clients
 */
export function generateFingerprint(root) {
  const manifestPath = join(root, databaseFolder, "package.json");
  if (!existsSync(manifestPath) || readManifest(manifestPath).scripts?.generate === undefined) return undefined;
  return fingerprint(root, ["package-lock.json", ...schemaSources]);
}

/** @param {string} root */
export function hasGenerated(root) {
  return existsSync(join(root, generatedFolder));
}

/** @param {string} root */
export async function generate(root) {
  const [npm, leading] = npmCommand();
  const args = [...leading, "run", "generate", "-w", "@redoubt/database", "--silent"];
  const { code, output } = await runToEnd(npm, args, { cwd: root, show: false });
  if (code === 0) return;
  process.stderr.write(output);
  throw new Error("generating the Prisma clients failed (see above): correct the schema in prisma/ and repeat");
}

/**
 * Fingerprints of every package that is built, each including those of the packages it uses.
 * @param {string} root
 * @param {Extent} extent
 * @returns {Map<string, { fingerprint: string, output: string }>} by package name; output = a path that must exist
 */
export function buildTargets(root, extent) {
  const workspaces = new Map(readWorkspaces(root).map((workspace) => [workspace.name, workspace]));
  const shared = fingerprint(root, sharedSources);
  const generated = generateFingerprint(root) ?? "";
  /** @type {Map<string, string>} */
  const known = new Map();

  /**
   * @param {Workspace} workspace
   * @returns {string}
   */
  function of(workspace) {
    const before = known.get(workspace.name);
    if (before !== undefined) return before;
    known.set(workspace.name, "in a circle");
    const { dependencies, devDependencies } = workspace.manifest;
    const used = Object.keys({ ...dependencies, ...devDependencies })
      .map((name) => workspaces.get(name))
      .filter((found) => found !== undefined)
      .map(of);
    const own = fingerprint(root, [workspace.folder]);
    const isDatabase = workspace.folder === databaseFolder;
    const result = [shared, isDatabase ? generated : "", own, ...used].join("/");
    const short = fingerprintOfText(result);
    known.set(workspace.name, short);
    return short;
  }

  const targets = [...workspaces.values()].filter(
    ({ name, manifest }) =>
      manifest.scripts?.build !== undefined && extent !== "packages" && (extent === "all" || name !== consoleName),
  );
  return new Map(
    targets.map((workspace) => {
      const output = workspace.name === consoleName ? ".next/BUILD_ID" : "dist";
      return [workspace.name, { fingerprint: of(workspace), output: join(workspace.folder, output) }];
    }),
  );
}

/**
 * @param {string} root
 * @param {Extent} extent
 * @throws {Error} after showing what turbo said
 */
export async function build(root, extent) {
  const turbo = join(root, "node_modules/turbo/bin/turbo");
  const args = [
    turbo,
    "run",
    "build",
    "--output-logs=errors-only",
    "--continue=dependencies-successful",
    "--log-prefix=none",
    "--no-color",
  ];
  if (extent === "no-console") args.push(`--filter=!${consoleName}`);
  const { code, output } = await runToEnd(process.execPath, args, { cwd: root, show: false });
  if (code === 0) return;
  process.stderr.write(output);
  throw new Error("the build failed (see above): correct what it names and repeat the command");
}
