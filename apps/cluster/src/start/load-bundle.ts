/**
 * Loads a server's program from one file, with the code V8 made of it when the build ran: reading five hundred files and
 * compiling them again costs a server more than half of its start. Where the code does not fit (another Node.js than
 * the build's) the program is compiled as usual.
 *
 * Positions in errors' stacks are those of the source, as under `--enable-source-maps`, which does not reach programs that
 * are loaded like this; the map is read when the first such stack is asked for.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire, SourceMap, type SourceMapPayload } from "node:module";
import { dirname, resolve } from "node:path";
import { Script } from "node:vm";

const cacheOf = (file: string): string => `${file}.cache`;

/** What the build puts around a program. */
type Wrapper = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: unknown },
  filename: string,
  dirname: string,
  importModule: (specifier: string) => Promise<unknown>,
) => void;

interface Compiled {
  readonly exports: unknown;
  readonly script: Script;
  /** True when the code of the build was used. */
  readonly isFromCache: boolean;
}

/**
 * Runs the program in `file`, once per call.
 * @param file written by `bundle-servers.mjs`: a function expression in ASCII
 */
export function loadBundle(file: string): Compiled {
  const cachedData = existsSync(cacheOf(file)) ? readFileSync(cacheOf(file)) : undefined;
  const script = new Script(readFileSync(file, "latin1"), {
    filename: file,
    ...(cachedData && { cachedData }),
  });
  const module: { exports: unknown } = { exports: {} };
  const run = script.runInThisContext() as Wrapper;
  // V8 forgets with code that was kept how it imports: the build has the program import through us.
  const importModule = (specifier: string): Promise<unknown> => import(specifier);
  run(module.exports as object, createRequire(file), module, file, dirname(file), importModule);
  const isFromCache = cachedData !== undefined && script.cachedDataRejected === false;
  return { exports: module.exports, script, isFromCache };
}

/** Keeps the code V8 has made of the program by now beside it. */
export function keepCode(file: string): void {
  writeFileSync(cacheOf(file), loadBundle(file).script.createCachedData());
}

/** From here on stacks show sources' positions for what lies in `file`. */
export function mapStacks(file: string): void {
  let map: SourceMap | undefined;
  const positionIn = (frame: NodeJS.CallSite): string => {
    const text = String(frame);
    const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
    if (frame.getFileName() !== file || line === null || column === null) return text;
    map ??= new SourceMap(JSON.parse(readFileSync(`${file}.map`, "utf8")) as SourceMapPayload);
    const found = map.findEntry(line - 1, column - 1);
    if (!("originalSource" in found)) return text;
    const source = resolve(dirname(file), found.originalSource);
    return text.replace(`${file}:${line}:${column}`, `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`);
  };
  Error.prepareStackTrace = (error, frames) => {
    try {
      return [describe(error), ...frames.map(positionIn)].join("\n    at ");
    } catch {
      // Whatever is wrong with the map, the error itself must come through.
      return [describe(error), ...frames.map(String)].join("\n    at ");
    }
  };
}

function describe(error: unknown): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "an error that cannot be printed";
  }
}

/**
 * Node.js 20 has no `navigator`. Libraries then look for other signs of where they run and by that load Node's whole HTTP
 * client, which costs every process with a database a tenth of its start.
 */
export function nameEnvironment(): void {
  if (!("navigator" in globalThis))
    Object.defineProperty(globalThis, "navigator", {
      value: { userAgent: `Node.js/${process.versions.node.split(".", 1)[0]}` },
      configurable: true,
    });
}
