/** A master loses its journal and its database under load: the others rebuild both, and it counts again. */
import { strict as assert } from "node:assert";
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { assertAnswered, deposited, Load, sumOfBalances } from "./bank.mjs";
import { isAlive, recordedProcesses, serversOf, status } from "./cluster.mjs";
import { pause, redoubtJson, until } from "./place.mjs";

const CUSTOMERS = { first: 301, last: 400 };
const RATE_PER_SECOND = 50;
const REBUILT_LIMIT_MS = 60_000;

/** @param {import("./place.mjs").Place} place */
const mastersOf = async (place) => (await redoubtJson(place, ["masters", "status"])).value;

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 */
export async function checkWipedMaster(checks, place, caller) {
  const { first, last } = CUSTOMERS;
  const before = await sumOfBalances(caller, first, last);
  const load = new Load(caller, { ...CUSTOMERS, ratePerSecond: RATE_PER_SECOND });
  await pause(2_000);
  await checks.check(
    "a master without its journal and its database is rebuilt under load and counted again",
    async () => {
      const name = await wipeMaster(place);
      const rebuilt = await until(`${name} rebuilt`, REBUILT_LIMIT_MS, async () => {
        const master = (await mastersOf(place)).masters.find((/** @type {any} */ each) => each.server === name);
        return master?.role === "follower" && master.rebuilt !== null ? master.rebuilt : undefined;
      });
      const { ms, stateBytes, rows, rowBytes } = rebuilt;
      return `${name}: ${(ms / 1000).toFixed(1)} s, state ${stateBytes} bytes, ${rows} rows of ${rowBytes} bytes`;
    },
  );
  const asked = await load.finish();
  await checks.check("every request meanwhile was answered correctly, the sum is exact", async () => {
    assertAnswered(asked);
    assert.equal(await sumOfBalances(caller, first, last), before + deposited(asked));
    return `${asked.length} requests`;
  });
}

/**
 * Takes everything from a master that does not lead, and ends it and its Postgres without warning.
 * @param {import("./place.mjs").Place} place
 */
async function wipeMaster(place) {
  const state = await status(place);
  const master = serversOf(state).find(({ component, role }) => component === "state-master" && role === "backup");
  if (!master) throw new Error("no master that follows");
  const node = state.nodes.find((/** @type {any} */ each) =>
    each.servers.some((/** @type {any} */ { name }) => name === master.name),
  );
  const records = recordedProcesses(place);
  const database = records.find(({ name }) => name === `postgres-${master.name.replace("state-master", "master")}`);
  if (!database) throw new Error(`no Postgres of ${master.name} among ${records.map(({ name }) => name).join(", ")}`);
  const instance = database.name.slice("postgres-".length);
  // Out of the way first: what starts again in this moment finds nothing.
  const folders = [
    join(place.data, "nodes", node.name, master.name, "journal"),
    join(place.data, "postgres", instance),
  ];
  for (const folder of folders) renameSync(folder, `${folder}.wiped`);
  for (const pid of [master.pid, database.pid]) if (pid !== null) process.kill(pid, "SIGKILL");
  await until("the master ended", 5_000, async () => (master.pid !== null && isAlive(master.pid) ? undefined : true));
  for (const folder of folders) rmSync(`${folder}.wiped`, { recursive: true, force: true });
  return master.name;
}
