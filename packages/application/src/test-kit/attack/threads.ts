/**
 * Runs handlers in a thread that can be ended: a mutant may never return, may pollute its process, and must not do either to the one
 * that judges it. No sandbox: it is the developer's own code on the developer's machine, as in any unit test.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { BuildContext, Plugin } from "esbuild";
import { context } from "esbuild";
import type { ContractJson } from "../../contract/contract-json.ts";
import type { OperationResult } from "../../execution/run-operation.ts";
import type { WorkerData } from "./worker-entry.ts";

export interface ExecutionJob {
  readonly operation: string;
  readonly input: unknown;
  readonly principal: string;
  readonly now: number;
  readonly requestId: string;
  readonly overlay: readonly (readonly [string, unknown])[];
}

export type Execution =
  | { readonly kind: "done"; readonly result: OperationResult }
  | { readonly kind: "crashed"; readonly message: string }
  /** Longer than the time limit. */
  | { readonly kind: "hung" };

const TIME_LIMIT_MS = 1_000;
const START_LIMIT_MS = 15_000;
const MEMORY_MEGABYTES = 256;
/** After so many jobs that did not end, nothing more is asked of these handlers. */
const HANGS_MAX = 2;

/** The handlers of one application's folder, as they are or with one file replaced. */
export class Threads {
  readonly #folder: string;
  readonly #data: WorkerData;
  readonly #replaced = new Map<string, string>();
  #work: string | undefined;
  #build: BuildContext | undefined;
  #honest: HandlerThread | undefined;
  #count = 0;

  constructor(folder: string, contract: ContractJson, world: WorkerData["world"]) {
    this.#folder = folder;
    this.#data = { contract: { ...contract, genesis: [] }, world };
  }

  /** Runs every job; with `mutant` the file of that name has that text. Undefined: the mutant cannot be built. */
  async run(
    jobs: readonly ExecutionJob[],
    mutant?: { readonly file: string; readonly text: string },
  ): Promise<readonly Execution[] | undefined> {
    if (!mutant) {
      this.#honest ??= new HandlerThread(await this.#written(await this.#bundle(undefined)), this.#data);
      return this.#honest.run(jobs);
    }
    const code = await this.#bundle(mutant);
    if (code === undefined) return undefined;
    const file = await this.#written(code);
    const thread = new HandlerThread(file, this.#data);
    const done = await thread.run(jobs);
    await thread.close();
    await rm(file);
    return done;
  }

  async #written(code: string | undefined): Promise<string> {
    if (code === undefined) throw new Error(`${join(this.#folder, "execution.ts")} cannot be bundled`);
    this.#work ??= await mkdtemp(join(tmpdir(), "redoubt-attack-"));
    const file = join(this.#work, `${++this.#count}.mjs`);
    await writeFile(file, code);
    return file;
  }

  async close(): Promise<void> {
    await this.#honest?.close();
    await this.#build?.dispose();
    if (this.#work) await rm(this.#work, { recursive: true, force: true });
  }

  async #bundle(mutant: { readonly file: string; readonly text: string } | undefined): Promise<string | undefined> {
    this.#replaced.clear();
    if (mutant) this.#replaced.set(join(this.#folder, mutant.file), mutant.text);
    this.#build ??= await context({
      stdin: { contents: entryText(), resolveDir: this.#folder, loader: "ts", sourcefile: "attack-entry.ts" },
      absWorkingDir: this.#folder,
      bundle: true,
      write: false,
      format: "esm",
      target: "node20",
      platform: "node",
      conditions: ["source", "import"],
      logLevel: "silent",
      banner: {
        js: 'import { createRequire as createRequireOfNode } from "node:module"; const require = createRequireOfNode(import.meta.url);',
      },
      plugins: [this.#sources(), platformPackages],
    });
    try {
      const built = await this.#build.rebuild();
      return built.outputFiles?.[0]?.text;
    } catch {
      return undefined;
    }
  }

  #sources(): Plugin {
    const replaced = this.#replaced;
    return {
      name: "mutated-sources",
      setup({ onLoad }) {
        onLoad({ filter: /\.[cm]?[jt]s$/ }, ({ path }) => {
          const contents = replaced.get(path);
          return contents === undefined ? undefined : { contents, loader: "ts" };
        });
      },
    };
  }
}

const entryText = (): string => {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const entry = fileURLToPath(new URL(`worker-entry.${extension}`, import.meta.url));
  return `import handlers from "./execution.ts";\nimport { serve } from ${JSON.stringify(entry)};\nserve(handlers);\n`;
};

const RESOLVING = Symbol("resolving");

/** `@redoubt/application` and zod come from this installation, wherever the application's folder is. */
export const platformPackages: Plugin = {
  name: "platform-packages",
  setup({ onResolve, resolve }) {
    const resolveDir = fileURLToPath(new URL(".", import.meta.url));
    onResolve({ filter: /^(@redoubt\/application|zod)(\/.*)?$/ }, ({ path, kind, pluginData }) =>
      pluginData === RESOLVING ? undefined : resolve(path, { kind, resolveDir, pluginData: RESOLVING }),
    );
  },
};

/** One thread with one set of handlers; started again when a job did not end or killed it. */
class HandlerThread {
  readonly #file: string;
  readonly #data: WorkerData;
  #thread: Worker | undefined;
  #hangs = 0;
  #onMessage: (message: "ready" | Execution) => void = () => {};
  #onEnd: () => void = () => {};

  constructor(file: string, data: WorkerData) {
    this.#file = file;
    this.#data = data;
  }

  async run(jobs: readonly ExecutionJob[]): Promise<Execution[]> {
    const done: Execution[] = [];
    while (done.length < jobs.length) {
      if (this.#hangs < HANGS_MAX) done.push(...(await this.#runSome(jobs.slice(done.length))));
      if (done.length === jobs.length) break;
      done.push({ kind: "hung" });
      this.#hangs++;
    }
    return done;
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  /** Results in the order of the jobs; fewer than jobs when one did not end. */
  #runSome(jobs: readonly ExecutionJob[]): Promise<Execution[]> {
    const isNew = this.#thread === undefined;
    this.#thread ??= this.#start();
    const thread = this.#thread;
    return new Promise((resolve) => {
      const done: Execution[] = [];
      let limit: NodeJS.Timeout;
      const end = (): void => {
        clearTimeout(limit);
        this.#onMessage = this.#onEnd = () => {};
        if (done.length === jobs.length) resolve(done);
        else void this.close().then(() => resolve(done));
      };
      limit = setTimeout(end, isNew ? START_LIMIT_MS : TIME_LIMIT_MS);
      this.#onEnd = end;
      this.#onMessage = (message) => {
        clearTimeout(limit);
        if (message === "ready") thread.postMessage(jobs);
        else done.push(message);
        if (done.length === jobs.length) end();
        else limit = setTimeout(end, TIME_LIMIT_MS);
      };
      if (!isNew) thread.postMessage(jobs);
    });
  }

  #start(): Worker {
    const thread = new Worker(this.#file, {
      workerData: this.#data,
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MEGABYTES },
    });
    const ended = (): void => {
      if (this.#thread === thread) this.#onEnd();
    };
    thread.on("message", (message: "ready" | Execution) => {
      if (this.#thread === thread) this.#onMessage(message);
    });
    thread.on("error", ended);
    thread.on("exit", ended);
    return thread;
  }
}
