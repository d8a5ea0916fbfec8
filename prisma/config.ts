/**
 * Shared by the `prisma.config.ts` of the three schemas. For developers only (`npx prisma migrate … --config
 * prisma/<name>/prisma.config.ts`); the running cluster migrates its databases itself.
 */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PrismaConfig } from "prisma/config";

/** Configuration of one schema; its database URL comes from DATABASE_URL, wanted only by commands that connect. */
export function schemaConfig(directory: string): PrismaConfig {
  if (!isNativeEngineInstalled()) {
    process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(new URL("./schema-engine.mjs", import.meta.url));
  }
  const url = process.env.DATABASE_URL;
  return {
    schema: `${directory}/schema.prisma`,
    migrations: { path: `${directory}/migrations` },
    ...(url === undefined ? {} : { datasource: { url, shadowDatabaseUrl: process.env.SHADOW_DATABASE_URL } }),
  };
}

/** Prisma's own program is used where its download worked. */
function isNativeEngineInstalled(): boolean {
  try {
    const engines = dirname(createRequire(import.meta.url).resolve("@prisma/engines/package.json"));
    return readdirSync(engines).some((file) => file.startsWith("schema-engine-"));
  } catch {
    return false;
  }
}
