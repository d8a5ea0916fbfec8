/**
 * Next leaves the browser's files out of its standalone folder; the server there expects them beside itself. Copies them, so that
 * `node .next/standalone/apps/console/server.js` is the whole console.
 */
import { existsSync } from "node:fs";
import { cp, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const consoleRoot = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const standalone = join(consoleRoot, ".next/standalone/apps/console");

await stat(join(standalone, "server.js"));
for (const [from, to] of [
  [".next/static", ".next/static"],
  ["public", "public"],
]) {
  await rm(join(standalone, to), { recursive: true, force: true });
  // A checkout without public files has no such folder.
  if (!existsSync(join(consoleRoot, from))) continue;
  await cp(join(consoleRoot, from), join(standalone, to), { recursive: true });
}
