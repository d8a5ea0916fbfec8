#!/usr/bin/env node
/**
 * Stands in for Prisma's native `schema-engine` program, which `prisma migrate`, `prisma db` and even
 * `prisma generate` want to download from a host that this project does not rely on.
 *
 * The same engine exists as WebAssembly (`@prisma/schema-engine-wasm`); Prisma's command line only needs it behind the
 * native program's interface: a few one-shot commands (`cli …`) and JSON-RPC over standard input and output. This file
 * picks between the two; `engine/` holds them. `prisma.config.ts` of each schema names this file in
 * PRISMA_SCHEMA_ENGINE_BINARY unless Prisma's own program is installed. Nothing of the running cluster uses it.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { runDatabaseCommand } from "./engine/database-commands.mjs";
import { parseEngineArguments } from "./engine/engine-arguments.mjs";
import { serveRpc } from "./engine/rpc.mjs";

const options = parseEngineArguments(process.argv.slice(2));

if (options.showVersion) {
  const entry = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm");
  const { version } = JSON.parse(readFileSync(entry.replace(/schema_engine\.js$/, "package.json"), "utf8"));
  console.log(`schema-engine-cli ${version} (wasm)`);
} else if (options.command !== undefined) {
  process.exitCode = await runDatabaseCommand(options.command, options.url);
} else {
  const { createSchemaEngine, takePanicMessage } = await import("./engine/wasm-engine.mjs");
  serveRpc({ createEngine: () => createSchemaEngine(options), takePanicMessage });
}
