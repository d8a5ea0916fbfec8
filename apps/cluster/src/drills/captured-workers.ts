/**
 * Workers whose application code is an intruder's (REQUIREMENTS §C: A19, A29, A30): the bundle's execution code is put behind a
 * wrapper that misbehaves before each operation once a file says so. The sandbox around it is the one in force.
 */
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadedApplication } from "../applications/load-application.ts";
import type { ServerEnvironment } from "../env.ts";
import type { Beginning } from "./beginning.ts";

const ATTEMPT_PATIENCE_MS = 300;

/** What runs inside the worker, as source text; `ports` are those of the cluster on this machine. */
const BEHAVIOURS: Readonly<Record<string, (ports: { readonly base: number }) => string>> = {
  spin: () => "for (;;) {}",
  memory: () => "const all = []; for (;;) all.push(new Array(1e6).fill(1.5));",
  fork: () =>
    'const { spawn } = await load("node:child_process"); for (let count = 0; count < 20; count++) { try { spawn(process.execPath, ["-e", "for (;;) {}"]).on("error", () => {}); } catch {} }',
  A29: ({ base }) => connect(base),
  A30: ({ base }) => connect(base + 70),
};

const connect = (port: number): string =>
  `const { connect } = await load("node:net"); await new Promise((over) => { const end = () => over(); setTimeout(end, ${ATTEMPT_PATIENCE_MS}); try { connect(${port}, "127.0.0.1").on("error", end).on("connect", end); } catch { end(); } });`;

export const isWorkerBehaviour = (name: string): boolean => Object.hasOwn(BEHAVIOURS, name);

/** Ports of a cluster begin at a multiple of this. */
const PORT_BLOCK = 100;

/** The application as the workers load it. The file by which they begin is laid down at the beginning. */
export function captureWorkers(
  { data, server, port }: ServerEnvironment,
  application: LoadedApplication,
  behaviour: string,
  beginning: Beginning,
  acted: (id: string) => void,
): LoadedApplication {
  const directory = join(data, "drills", `${server}-bundle`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  cpSync(application.directory, directory, { recursive: true });
  renameSync(join(directory, "execution.mjs"), join(directory, "honest.mjs"));
  const act = BEHAVIOURS[behaviour]?.({ base: Math.floor(port / PORT_BLOCK) * PORT_BLOCK }) ?? "";
  writeFileSync(join(directory, "execution.mjs"), wrapperOf(act));
  beginning.after(0, () => {
    writeFileSync(join(directory, "begin"), "");
    acted(behaviour);
  });
  return { ...application, directory };
}

const wrapperOf = (act: string): string => `import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import honest from "./honest.mjs";
const load = (name) => import(name);
const begin = fileURLToPath(new URL("./begin", import.meta.url));
const misbehave = async () => { ${act} };
export default Object.fromEntries(
  Object.entries(honest).map(([name, handler]) => [
    name,
    async (...given) => {
      if (existsSync(begin)) await misbehave();
      return handler(...given);
    },
  ]),
);
`;
