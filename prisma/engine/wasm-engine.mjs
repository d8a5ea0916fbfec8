/** The schema engine itself: Prisma's WebAssembly build, connected to Postgres through adapter-pg. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import * as bindings from "@prisma/schema-engine-wasm/schema_engine_bg";
import { createAdapterFactory } from "./postgres-adapter.mjs";

let panicMessage;

/** What the engine said when it panicked last, if it did since the last call. */
export function takePanicMessage() {
  const message = panicMessage;
  panicMessage = undefined;
  return message;
}

/** @param {{url?: string, shadowUrl?: string, datamodelFiles?: string[]}} options */
export async function createSchemaEngine({ url, shadowUrl, datamodelFiles }) {
  // Unlike the native program, this build asks the server for its version before anything else.
  if (url === undefined) throw new Error("DATABASE_URL is not set: it must name a running Postgres database");
  globalThis.PRISMA_WASM_PANIC_REGISTRY = {
    set_message: (message) => {
      panicMessage = message;
    },
  };
  const entry = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm");
  const binary = readFileSync(entry.replace(/schema_engine\.js$/, "schema_engine_bg.wasm"));
  const { instance } = await WebAssembly.instantiate(binary, { "./schema_engine_bg.js": bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();

  const factory = bindMigrationAwareSqlAdapterFactory(await createAdapterFactory(url, shadowUrl));
  const datamodels = datamodelFiles?.map((file) => [file, readFileSync(file, "utf8")]);
  return bindings.SchemaEngine.new({ datamodels }, () => undefined, factory);
}
