/**
 * What disks do, under load: bytes of a replica flip, and are found and repaired before anybody is served them; then a
 * replica loses its journal and a master its journal and database at the same time, and both are rebuilt from the others
 * and count again. Times and bytes are printed. Called with `--data <empty folder> --port-base <number> [--json]`.
 */
import { strict as assert } from "node:assert";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ask, look, soon } from "../torture/administration.mjs";
import { Judgement } from "../torture/judgement.mjs";
import { Load } from "../torture/load.mjs";
import { recordedProcesses } from "./cluster.mjs";
import { redoubtJson } from "./place.mjs";
import { runSession } from "./session.mjs";
import { checkMasters } from "./state-checks.mjs";

/** @typedef {import("./place.mjs").Place} Place */
/** @typedef {import("./checks.mjs").Checks} Checks */

const CUSTOMERS = { first: 451, last: 500 };
const OBJECT = `account/${CUSTOMERS.first + 3}`;
const SCRUB_PERIOD_MS = 5_000;
const REPAIRED_LIMIT_MS = 10_000;
const REBUILT_LIMIT_MS = 60_000;
const LOADED_LIMIT_MS = 30_000;

/**
 * @param {Checks} checks
 * @param {Place} place
 */
async function checkCorruption(checks, place) {
  await checks.check("flipped bytes on a replica's disk are found and repaired within one scrub period", async () => {
    const [replica] = (await look(place)).servers.filter(({ component }) => component === "state-replica");
    const server = /** @type {string} */ (replica?.name);
    const { value } = await redoubtJson(place, ["state", "corrupt", "--server", server, "--object", OBJECT]);
    const startedAtMs = performance.now();
    const seen = await soon("found and repaired", REPAIRED_LIMIT_MS, async () => {
      const { events } = await ask(place, "cluster.events", { limit: 500 });
      const own = events.filter(
        (/** @type {any} */ { kind, record }) => kind === "storage.damage" && record === value.record,
      );
      const states = own.map((/** @type {any} */ { state }) => state);
      return states.includes("found") && states.includes("repaired") ? own : undefined;
    });
    const ms = Math.round(performance.now() - startedAtMs);
    assert.ok(
      seen.every((/** @type {any} */ event) => event.server === server),
      JSON.stringify(seen),
    );
    return `record ${value.record} of ${server}, ${value.bytes} bytes, after ${ms} ms`;
  });
  await checks.check("afterwards every replica shows the same C1 of every version", async () => {
    await soon("equal C1", REPAIRED_LIMIT_MS, async () => {
      const { versions } = await ask(place, "state.show", { object: OBJECT, limit: 200 });
      for (const { number, status, c1, replicas } of versions) {
        if (status !== "verified") continue;
        assert.equal(replicas.length, 3, `version ${number}`);
        for (const held of replicas) assert.equal(held.c1, c1, `version ${number} at ${held.server}`);
      }
      return true;
    });
  });
}

/**
 * Removes a server's folder of data, and what it points to: databases under root lie elsewhere.
 * @param {string} folder
 */
function wipe(folder) {
  assert.ok(existsSync(folder), `${folder} is there to be wiped`);
  const location = join(folder, "location");
  if (existsSync(location)) rmSync(readFileSync(location, "utf8").trim(), { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}

/** @param {Place} place */
async function wipeBoth(place) {
  const { servers } = await look(place);
  const replica = servers.find(({ component }) => component === "state-replica");
  const master = servers.find(({ component, role }) => component === "state-master" && role === "backup");
  if (!replica || !master) throw new Error(`no replica, or no master that follows: ${JSON.stringify(servers)}`);
  const instance = master.name.replace("state-master", "master");
  await Promise.all([replica, master].map(({ name }) => redoubtJson(place, ["server", "stop", name, "--kill"])));
  const database = recordedProcesses(place).find(({ name }) => name === `postgres-${instance}`);
  if (database) process.kill(database.pid, "SIGKILL");
  await soon("its Postgres ended", REPAIRED_LIMIT_MS, async () =>
    recordedProcesses(place).some(({ name }) => name === `postgres-${instance}`) ? undefined : true,
  );
  wipe(join(place.data, "nodes", replica.node, replica.name, "journal"));
  wipe(join(place.data, "nodes", master.node, master.name, "journal"));
  wipe(join(place.data, "postgres", instance));
  await Promise.all([replica, master].map(({ name }) => redoubtJson(place, ["server", "start", name])));
  return { replica: replica.name, master: master.name };
}

/**
 * @param {Checks} checks
 * @param {Place} place
 * @param {Load} load
 */
async function checkRebuilt(checks, place, load) {
  await checks.check("a replica and a master without their data are rebuilt under load and count again", async () => {
    load.startGap();
    const startedAtMs = performance.now();
    const { replica, master } = await wipeBoth(place);
    const times = { replica: 0, master: 0 };
    const rebuilt = await soon(`${replica} and ${master} rebuilt`, REBUILT_LIMIT_MS, async () => {
      const { groups } = await ask(place, "state.placement");
      const { masters } = await ask(place, "masters.status");
      const transfer = /** @type {any} */ ((await look(place)).servers.find(({ name }) => name === replica))?.transfer;
      const isMember = groups.every((/** @type {any} */ { members }) =>
        members.some((/** @type {any} */ { server, state }) => server === replica && state === "member"),
      );
      const report = masters.find((/** @type {any} */ { server }) => server === master);
      const passedMs = Math.round(performance.now() - startedAtMs);
      if (isMember && transfer) times.replica ||= passedMs;
      if (report?.role === "follower" && report.rebuilt) times.master ||= passedMs;
      return times.replica && times.master ? { transfer, master: report.rebuilt } : undefined;
    });
    await load.answers(50, LOADED_LIMIT_MS);
    const { transfer } = rebuilt;
    return [
      `${replica} after ${times.replica} ms (${transfer.changes} changes, ${transfer.bytes} bytes in ${transfer.ms} ms)`,
      `${master} after ${times.master} ms (${rebuilt.master.stateBytes} bytes of state, ${rebuilt.master.rows} rows of ${rebuilt.master.rowBytes} bytes in ${rebuilt.master.ms} ms)`,
      `no write answered for at most ${Math.round(load.longestGapMs)} ms`,
    ].join("; ");
  });
}

await runSession(["--setting", `scrubPeriodMs=${SCRUB_PERIOD_MS}`], async ({ checks, place, caller }) => {
  const customers = Array.from({ length: CUSTOMERS.last - CUSTOMERS.first + 1 }, (_, at) => CUSTOMERS.first + at);
  const judgement = new Judgement(place, caller, customers);
  await judgement.open();
  const load = new Load(caller, { ...CUSTOMERS, callers: 8, ratePerSecond: 40, random: Math.random });
  load.start();
  await load.answers(200, LOADED_LIMIT_MS);
  await checkCorruption(checks, place);
  await checkRebuilt(checks, place, load);
  await checks.check("nothing is lost, nothing doubled, strictly serializable", async () => {
    await load.drain();
    await judgement.add(load.take());
    const { lost, doubled, serializable, operations, problems } = judgement;
    assert.deepEqual({ lost, doubled, serializable }, { lost: 0, doubled: 0, serializable: true }, problems.join("\n"));
    assert.deepEqual([...load.unanswered, ...load.harmed], []);
    return `${operations} requests, ${load.repeated} repeated`;
  });
  await checkMasters(checks, place, "after one was rebuilt");
});
