#!/usr/bin/env node
// Committed plain JavaScript, so that the command exists before anything is built.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`redoubt: Node.js 20.19 or later expected, this is ${process.versions.node}\n`);
  process.exit(1);
}
const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));
if (!existsSync(main)) {
  process.stderr.write("redoubt: not built yet; run: npm run setup\n");
  process.exit(1);
}
await import(main);
