/**
 * Makes an application's folder into a bundle (DESIGN §8): contract, execution and acceptance each by itself, so that a
 * poisoned dependency of execution.ts cannot reach the acceptance tests. The developer's contract is evaluated once, here,
 * in a confined process; every later reader gets JSON. Wrong applications are refused with all their problems, each naming
 * file or operation, and field.
 */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ContractJson, ContractProblem } from "@redoubt/application";
import type { Result } from "@redoubt/shared";
import { fail, ok } from "@redoubt/shared";
import { bundleEntry } from "./bundle-entry.ts";
import { evaluateContract, evaluateExecution } from "./evaluate-contract.ts";
import type { ApplicationManifest, BundleFile, LoadedApplication } from "./load-application.ts";
import { BUNDLE_FILES, bundleHash, sha256 } from "./load-application.ts";

export type BundleProblems = readonly ContractProblem[];

/** The problems as lines for a terminal. */
export const bundleProblemText = (problems: BundleProblems): string =>
  problems.map(({ where, field, message }) => `${where}${field ? `, ${field}` : ""}: ${message}`).join("\n");

const SOURCE_FILES = ["contract.ts", "execution.ts", "acceptance.ts"] as const;

/** Bundles an application into `outDirectory/<hash>`; an equal bundle that is there already is used. */
export async function bundleApplication(
  folder: string,
  outDirectory: string,
): Promise<Result<LoadedApplication, BundleProblems>> {
  const missing = SOURCE_FILES.filter((file) => !existsSync(join(folder, file)));
  if (missing.length > 0)
    return fail(
      missing.map((file) => ({ where: file, field: "", message: `there is no ${file} in ${resolve(folder)}` })),
    );
  const source = await realpath(folder);
  await mkdir(outDirectory, { recursive: true });
  const work = await mkdtemp(join(await realpath(outDirectory), ".bundling-"));
  try {
    const contract = await bundleInto(source, work);
    if (!contract.ok) return contract;
    return ok(await store(work, outDirectory, contract.value.contract, contract.value.files));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

interface Bundled {
  readonly contract: ContractJson;
  readonly files: Readonly<Record<BundleFile, string>>;
}

async function bundleInto(source: string, work: string): Promise<Result<Bundled, BundleProblems>> {
  const [execution, acceptance] = await Promise.all([
    bundleEntry({ folder: source, entry: "execution.ts", rules: "any" }),
    bundleEntry({ folder: source, entry: "acceptance.ts", rules: "acceptance" }),
  ]);
  if (!execution.ok || !acceptance.ok)
    return fail([...(execution.ok ? [] : execution.error), ...(acceptance.ok ? [] : acceptance.error)]);
  const contract = await evaluateContract(source, work);
  if (!contract.ok) return contract;
  const contents: Record<BundleFile, string> = {
    "contract.json": JSON.stringify(contract.value),
    "execution.mjs": execution.value,
    "acceptance.mjs": acceptance.value,
    "execution-worker.mjs": await workerCode("execution-worker-entry"),
    "execution-watch.cjs": await workerCode("watch/watch-entry", "cjs"),
    "acceptance-worker.mjs": await workerCode("acceptance-worker-entry"),
  };
  for (const name of BUNDLE_FILES) await writeFile(join(work, name), contents[name]);
  const problems = await evaluateExecution(work, contract.value);
  if (problems.length > 0) return fail(problems);
  const files = Object.fromEntries(BUNDLE_FILES.map((name) => [name, sha256(contents[name])]));
  return ok({ contract: contract.value, files: files as Record<BundleFile, string> });
}

/** Our own workers, bundled beside the application so that they need to read no other folder. */
async function workerCode(name: string, format: "esm" | "cjs" = "esm"): Promise<string> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const folder = fileURLToPath(new URL("../workers", import.meta.url));
  const code = await bundleEntry({ folder, entry: `${name}.${extension}`, rules: "any", format });
  if (!code.ok) throw new Error(`cannot bundle ${name}: ${code.error.map(({ message }) => message).join("; ")}`);
  return code.value;
}

async function store(
  work: string,
  outDirectory: string,
  contract: ContractJson,
  files: Bundled["files"],
): Promise<LoadedApplication> {
  const hash = bundleHash(files);
  const directory = join(await realpath(outDirectory), hash);
  if (!existsSync(join(directory, "manifest.json"))) {
    const { name, title, version } = contract;
    const manifest: ApplicationManifest = { format: 1, name, title, version, hash, files: { ...files } };
    await writeFile(join(work, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(work, directory).catch((error: NodeJS.ErrnoException) => {
      // Another process made the same bundle at the same time.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  }
  return { hash, directory, contract };
}
