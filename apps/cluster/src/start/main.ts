/**
 * One server process: `main.cjs <component>` runs the program of that component, which lies beside it; settings come from
 * the environment. The build runs it with `--keep-code` to have the program's code kept.
 */
import { dirname, join } from "node:path";
import type { ServerEnvironment } from "../env.ts";
import { keepCode, loadBundle, mapStacks, nameEnvironment } from "./load-bundle.ts";

/** What each program exports. */
interface Program {
  readonly readServerEnvironment: () => ServerEnvironment;
  readonly run: (environment: ServerEnvironment) => Promise<void>;
}

const [, self = "", component = "", flag] = process.argv;
const file = join(dirname(self), `${component}.cjs`);
nameEnvironment();
if (flag === "--keep-code") keepCode(file);
else {
  mapStacks(file);
  const { readServerEnvironment, run } = loadBundle(file).exports as Program;
  void run(readServerEnvironment());
}
