/**
 * One call of esbuild: a TypeScript file and all it imports become one ES module for Node 20. `@redoubt/application` and zod
 * always come from this installation, wherever the application's folder is.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ContractProblem } from "@redoubt/application";
import type { Result } from "@redoubt/shared";
import { fail, ok } from "@redoubt/shared";
import type { BuildFailure, Metafile, Plugin } from "esbuild";
import { build, stop } from "esbuild";

export interface BundleEntry {
  readonly folder: string;
  /** Name of the entry file in the folder. */
  readonly entry: string;
  /** Its text, when it is no file. */
  readonly contents?: string;
  /**
   * `acceptance`: acceptance.ts may import ./contract, @redoubt/application and zod only; contract.ts those two and files of
   * its own folder; nothing of Node. `any`: no limits.
   */
  readonly rules: "any" | "acceptance";
  /** `cjs` for what Node shall load before anything else; default: an ES module. */
  readonly format?: "esm" | "cjs";
}

const OWN_FOLDER = fileURLToPath(new URL(".", import.meta.url));
const PLATFORM_PACKAGES = /^(@redoubt\/application|zod)(\/.*)?$/;

/** The bundle's code, or what stands in its way: each problem names the file. */
export async function bundleEntry(entry: BundleEntry): Promise<Result<string, readonly ContractProblem[]>> {
  building++;
  try {
    const result = await build({
      ...(entry.contents === undefined
        ? { entryPoints: [join(entry.folder, entry.entry)] }
        : {
            stdin: {
              contents: entry.contents,
              resolveDir: entry.folder,
              sourcefile: entry.entry,
              loader: "ts" as const,
            },
          }),
      absWorkingDir: entry.folder,
      bundle: true,
      write: false,
      metafile: true,
      format: entry.format ?? "esm",
      target: "node20",
      platform: entry.rules === "any" ? "node" : "neutral",
      conditions: ["source", "import"],
      legalComments: "none",
      logLevel: "silent",
      plugins: [platformPackages],
      // Packages in the CommonJS form call `require` for Node's modules; an ES module has none.
      banner: entry.rules === "any" && entry.format !== "cjs" ? { js: REQUIRE_BANNER } : {},
    });
    const problems = entry.rules === "acceptance" ? importProblems(result.metafile?.inputs ?? {}, entry) : [];
    return problems.length > 0 ? fail(problems) : ok(result.outputFiles?.[0]?.text ?? "");
  } catch (error) {
    return fail(buildProblems(error, entry.entry));
  } finally {
    building--;
    if (building === 0) await stop();
  }
}

/** esbuild keeps a process of its own; it ends with the last build, so that no cluster process has a stray child. */
let building = 0;

const REQUIRE_BANNER =
  'import { createRequire as createRequireOfNode } from "node:module"; const require = createRequireOfNode(import.meta.url);';

const RESOLVING = Symbol("resolving");

const platformPackages: Plugin = {
  name: "platform-packages",
  setup({ onResolve, resolve }) {
    onResolve({ filter: PLATFORM_PACKAGES }, ({ path, kind, pluginData }) =>
      pluginData === RESOLVING ? undefined : resolve(path, { kind, resolveDir: OWN_FOLDER, pluginData: RESOLVING }),
    );
  },
};

/** Imports of acceptance.ts and of what it imports in the application's folder that the rules do not allow. */
function importProblems(inputs: Metafile["inputs"], entry: BundleEntry): ContractProblem[] {
  const problems: ContractProblem[] = [];
  const visit = (file: string, seen: Set<string>): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const imported of inputs[file]?.imports ?? []) {
      const specifier = imported.original ?? imported.path;
      if (PLATFORM_PACKAGES.test(specifier)) continue;
      const inFolder = specifier.startsWith(".") && !/(^|\/)(\.\.|node_modules)\//.test(imported.path);
      const isContract = imported.path === "contract.ts";
      if (file === entry.entry ? isContract : inFolder) visit(imported.path, seen);
      else problems.push({ where: file, field: "import", message: importMessage(specifier, file === entry.entry) });
    }
  };
  visit(entry.entry, new Set());
  return problems;
}

const importMessage = (specifier: string, isAcceptance: boolean): string =>
  isAcceptance
    ? `imports "${specifier}"; only ./contract.ts, @redoubt/application and zod may be imported by an acceptance test`
    : `imports "${specifier}"; only files of the application, @redoubt/application and zod may be imported by the contract`;

function buildProblems(error: unknown, file: string): ContractProblem[] {
  const errors = (error as Partial<BuildFailure>).errors;
  if (!errors?.length) throw error;
  return errors.map(({ text, location }) => ({
    where: location ? `${location.file}:${location.line}` : file,
    field: "",
    message: text,
  }));
}
