/**
 * Generates the three Prisma clients (`npm run generate -w @redoubt/database`) without any download, in parallel, and
 * only when a schema or Prisma's version changed. Says nothing when all is well; on failure shows what Prisma said.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const schemaNames = ["master", "manager", "auth"];
const packageDirectory = dirname(dirname(fileURLToPath(import.meta.url)));
const prismaDirectory = join(packageDirectory, "../../prisma");
const generatedDirectory = join(packageDirectory, "src/generated");
const prismaPackageFile = createRequire(import.meta.url).resolve("prisma/package.json");
const prismaPackage = JSON.parse(readFileSync(prismaPackageFile, "utf8"));

const outcomes = await Promise.all(schemaNames.map(generateIfStale));
const failures = outcomes.filter((outcome) => outcome !== undefined);
for (const failure of failures) process.stderr.write(`${failure}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** @returns {Promise<string | undefined>} what went wrong, if anything did */
async function generateIfStale(name) {
  const schemaFile = join(prismaDirectory, name, "schema.prisma");
  const output = join(generatedDirectory, name);
  const stampFile = join(output, ".schema-hash");
  const stamp = createHash("sha256").update(prismaPackage.version).update(readFileSync(schemaFile)).digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return undefined;

  rmSync(stampFile, { force: true });
  const { code, text } = await runPrisma([
    "generate",
    "--config",
    join(prismaDirectory, name, "prisma.config.ts"),
    "--no-hints",
  ]);
  if (code !== 0) return `prisma generate failed for ${schemaFile} (exit ${code})\n${text}`;
  writeFileSync(stampFile, stamp);
  return undefined;
}

/** Runs Prisma's command in a Node process of its own, so that no shell and no `.bin` link is needed. */
function runPrisma(parameters) {
  const program = join(dirname(prismaPackageFile), prismaPackage.bin.prisma);
  const environment = { ...process.env, PRISMA_HIDE_UPDATE_MESSAGE: "1", CHECKPOINT_DISABLE: "1" };
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...parameters], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.stderr.on("data", (chunk) => (text += chunk));
    child.on("error", (error) => resolve({ code: 1, text: String(error) }));
    child.on("close", (code) => resolve({ code: code ?? 1, text }));
  });
}
