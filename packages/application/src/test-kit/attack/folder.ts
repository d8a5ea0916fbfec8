/** Attacks an application by its folder, as `redoubt app attack` does: the three files are bundled and loaded as the infrastructure would. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { ContractDefinition } from "../../contract/define-contract.ts";
import type { AttackOptions } from "./attack.ts";
import { attack } from "./attack.ts";
import { platformPackages } from "./threads.ts";
import type { AttackReport } from "./types.ts";

/** Rejects when a file is missing or does not compile. */
export async function attackFolder(folder: string, options: Omit<AttackOptions, "folder"> = {}): Promise<AttackReport> {
  const source = await realpath(folder);
  const work = await mkdtemp(join(tmpdir(), "redoubt-application-"));
  try {
    const [contract, acceptance] = await Promise.all([
      load(source, "contract", work),
      load(source, "acceptance", work),
    ]);
    const files = { contract: contract as ContractDefinition, execution: undefined, acceptance };
    return await attack(files, { ...options, folder: source });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function load(folder: string, name: string, work: string): Promise<unknown> {
  const outfile = join(work, `${name}.mjs`);
  await build({
    entryPoints: [join(folder, `${name}.ts`)],
    outfile,
    bundle: true,
    format: "esm",
    target: "node20",
    platform: "neutral",
    conditions: ["source", "import"],
    logLevel: "silent",
    plugins: [platformPackages],
  });
  return ((await import(pathToFileURL(outfile).href)) as { default: unknown }).default;
}
