/** The cluster under test: starting, looking, ending processes without warning, stopping. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { redoubt, redoubtJson, until } from "./place.mjs";

/** @typedef {import("./place.mjs").Place} Place */
/** @typedef {{ name: string, component: string, pid: number | null, state: string, role: string, hosts?: string[], transfer?: { changes: number, bytes: number, ms: number } }} Server */

const START_LIMIT_MS = 240_000;
const STOP_LIMIT_MS = 60_000;

/**
 * @param {Place} place
 * @param {string[]} [flags]
 */
export async function start(place, flags = []) {
  const args = ["up", "--detach", "--port-base", String(place.portBase), ...flags];
  const { value, seconds } = await redoubtJson(place, args, { limitMs: START_LIMIT_MS });
  return { started: value, seconds };
}

/** @param {Place} place */
export const stop = (place) => redoubt(["down", "--data", place.data, "--json"], STOP_LIMIT_MS);

/** @param {Place} place */
export const status = async (place) => (await redoubtJson(place, ["status"])).value;

/**
 * @param {any} state what `redoubt status --json` printed
 * @returns {Server[]}
 */
export const serversOf = (state) => state.nodes.flatMap((/** @type {any} */ node) => node.servers);

/**
 * @param {any} state
 * @returns {string[]} components that are short of servers
 */
export const shortOf = (state) =>
  Object.entries(state.degrees)
    .filter(([, degree]) => degree.live < degree.wanted)
    .map(([component, degree]) => `${component} ${degree.live}/${degree.wanted}`);

/**
 * @param {number} pid
 * @returns {boolean} a zombie is no process any more
 */
export function isAlive(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/**
 * @param {Place} place
 * @returns {{ name: string, pid: number, startTicks: number }[]} what the data folder's records name
 */
export function recordedProcesses({ data }) {
  const folder = join(data, "run");
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json") && file !== "endpoints.json")
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")))
    .filter(({ pid, startTicks }) => Number.isInteger(pid) && startTicksOf(pid) === startTicks);
}

/** @param {number} pid */
function startTicksOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return undefined;
  }
}

/**
 * Ends one server with SIGKILL and waits until the cluster is whole again with another process in its place.
 * @param {Place} place
 * @param {(server: Server) => boolean} isWanted which one
 * @param {number} limitMs
 */
export async function killAndAwaitReplacement(place, isWanted, limitMs) {
  const server = await until("a server to end", 10_000, async () =>
    serversOf(await status(place)).find((each) => each.pid !== null && isWanted(each)),
  );
  const pid = /** @type {number} */ (server.pid);
  if (!recordedProcesses(place).some((record) => record.name === server.name && record.pid === pid)) {
    throw new Error(`${server.name}: pid ${pid} is not what ${place.data}/run records`);
  }
  process.kill(pid, "SIGKILL");
  const endedAt = performance.now();
  let missing = "nothing known";
  try {
    await until(`${server.name} replaced and live = wanted`, limitMs, async () => {
      const state = await status(place);
      const now = serversOf(state).find(({ name }) => name === server.name);
      const short = shortOf(state);
      missing = `pid ${pid} -> ${now?.pid}, ${now?.state}; short of ${short.join(", ") || "nothing"}`;
      return now?.pid && now.pid !== pid && now.state === "up" && short.length === 0 ? true : undefined;
    });
  } catch (error) {
    throw new Error(`${error.message} (${missing})`);
  }
  return { name: server.name, seconds: (performance.now() - endedAt) / 1000 };
}

/**
 * Every process that belongs to the cluster of this folder: recorded ones, what status lists, and whatever carries the
 * folder in its environment or command line (workers, databases).
 * @param {Place} place
 * @returns {number[]}
 */
export function processesOf({ data }) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(
      (pid) =>
        pid !== process.pid &&
        isAlive(pid) &&
        (names(pid, "environ", `REDOUBT_DATA=${data}`, true) || names(pid, "cmdline", `${data}/`, false)),
    );
}

/**
 * @param {number} pid
 * @param {"environ" | "cmdline"} file
 * @param {string} text
 * @param {boolean} isWhole the whole of one entry, not a part
 */
function names(pid, file, text, isWhole) {
  try {
    const entries = readFileSync(`/proc/${pid}/${file}`, "utf8").split("\0");
    return entries.some((entry) => (isWhole ? entry === text : entry.includes(text)));
  } catch {
    return false;
  }
}
