/** One run from an empty folder to nothing left behind; ends with the line of counts whatever happens. */
import { strict as assert } from "node:assert";
import { Checks } from "./checks.mjs";
import { isAlive, processesOf, recordedProcesses, start, status, stop } from "./cluster.mjs";
import { closeConnections } from "./http.mjs";
import { endCommands, readPlace, until } from "./place.mjs";

/**
 * @param {string[]} flags of `redoubt up`
 * @param {(run: { checks: Checks, place: import("./place.mjs").Place, caller: import("./http.mjs").Caller }) => Promise<void>} body
 */
export async function runSession(flags, body) {
  const place = readPlace();
  const checks = new Checks();
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT", "SIGHUP"])) {
    process.once(signal, () => {
      process.stderr.write(`${signal}: stopping the cluster\n`);
      endCommands();
      void stop(place).finally(() => process.exit(1));
    });
  }
  try {
    /** @type {import("./http.mjs").Caller | undefined} */
    let caller;
    await checks.check("a first start on an empty folder", async () => {
      const { started, seconds } = await start(place, flags);
      assert.deepEqual(Object.keys(started).sort(), ["client", "console", "data"]);
      assert.equal(typeof started.console.password, "string");
      caller = started.client;
      return `ready after ${seconds.toFixed(1)} s`;
    });
    if (caller !== undefined) await body({ checks, place, caller });
    if (caller !== undefined) await checkStop(checks, place);
  } catch (error) {
    await checks.check("the run itself", () => Promise.reject(error));
  } finally {
    closeConnections();
    await stop(place);
  }
  process.exitCode = checks.conclude();
}

/**
 * @param {Checks} checks
 * @param {import("./place.mjs").Place} place
 */
async function checkStop(checks, place) {
  await checks.check("down leaves no process", async () => {
    const listed = (await status(place)).processes.map(({ pid }) => pid);
    const pids = [...new Set([...listed, ...recordedProcesses(place).map(({ pid }) => pid), ...processesOf(place)])];
    const { code, seconds } = await stop(place);
    assert.equal(code, 0);
    await until("no process left", 5_000, async () => {
      const left = [...pids.filter(isAlive), ...processesOf(place)];
      if (left.length > 0) throw new Error(`left: ${[...new Set(left)].join(", ")}`);
      return true;
    });
    return `${pids.length} processes ended in ${seconds.toFixed(1)} s`;
  });
}
