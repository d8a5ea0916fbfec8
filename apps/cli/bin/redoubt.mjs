#!/usr/bin/env node
/**
 * Committed plain JavaScript, so that the command exists before anything is built: `npx redoubt` in a fresh clone finds it by
 * the root's package.json, and sets the clone up first, as every npm script does.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`redoubt: Node.js 20.19 or later expected, this is ${process.versions.node}\n`);
  process.exit(1);
}
const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const main = pathOf("../dist/main.js");
if (!existsSync(main) || !existsSync(pathOf("../../../node_modules"))) {
  // What it prints is not this command's output.
  const setup = spawnSync(process.execPath, [pathOf("../../../tooling/setup/setup.mjs")], { stdio: ["ignore", 2, 2] });
  if (setup.status !== 0) process.exit(1);
}
await import(main);
