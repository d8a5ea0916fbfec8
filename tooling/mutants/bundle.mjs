/** Bundles the simulator with a mutant's sources in the place of the right ones; nothing in the checkout is touched. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * @param {string} root of the project
 * @param {ReadonlyMap<string, string>} texts changed sources by absolute path
 * @param {string} outfile
 */
export async function bundleSimulator(root, texts, outfile) {
  /** @type {Set<string>} */
  const used = new Set();
  await build({
    entryPoints: [join(root, "tooling/mutants/scenario.mjs")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["source"],
    logLevel: "error",
    plugins: [
      {
        name: "mutant",
        setup({ onLoad }) {
          onLoad({ filter: /\/(packages)\/.*\.ts$/ }, ({ path }) => {
            const text = texts.get(path);
            if (text !== undefined) used.add(path);
            return { contents: text ?? readFileSync(path, "utf8"), loader: "ts" };
          });
        },
      },
    ],
  });
  for (const path of texts.keys()) if (!used.has(path)) throw new Error(`${path} is no part of the simulator`);
}
