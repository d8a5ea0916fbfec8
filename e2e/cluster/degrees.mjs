/**
 * As many state replicas and state masters as are tolerated end at once and stay away: the service goes on. One more of
 * either: 503, soon and with Retry-After. Back again: it resumes, and nothing that was acknowledged is lost or doubled.
 * For one and two tolerated faults (three and five servers), each on a cluster of its own.
 * Called with `--data <empty folder> --port-base <number> [--json] [--faults 1,2]`; ends with one line of JSON.
 */
import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { look, soon } from "../torture/administration.mjs";
import { Judgement } from "../torture/judgement.mjs";
import { Load } from "../torture/load.mjs";
import { Checks } from "./checks.mjs";
import { start, stop } from "./cluster.mjs";
import { call, closeConnections } from "./http.mjs";
import { endCommands, redoubtJson } from "./place.mjs";

/** @typedef {import("./place.mjs").Place} Place */
/** @typedef {import("./http.mjs").Caller} Caller */
/** @typedef {{ checks: Checks, place: Place, caller: Caller, load: Load, faults: number, figures: Record<string, number> }} Run */

const CUSTOMERS = { first: 401, last: 440 };
/** The client API promises an answer within this time. */
const CLIENT_DEADLINE_MS = 10_000;
const GOES_ON_ANSWERS = 100;
const RESUMED_LIMIT_MS = 30_000;
const WHOLE_LIMIT_MS = 60_000;

/** @param {Place} place @param {string} component */
async function serversOf(place, component) {
  const { servers } = await look(place);
  return servers.filter((server) => server.component === component);
}

/** @param {Place} place @param {string[]} names */
const kill = (place, names) =>
  Promise.all(names.map((name) => redoubtJson(place, ["server", "stop", name, "--kill", "--force"])));

/** @param {Place} place @param {string[]} names */
const startAgain = (place, names) => Promise.all(names.map((name) => redoubtJson(place, ["server", "start", name])));

/** @param {Caller} caller */
const deposit = (caller) =>
  call(caller, "deposit", { customer: CUSTOMERS.first, account: "savings", amount: 1 }, randomUUID());

/**
 * One server more than is tolerated ends; then some are started again.
 * @param {Run} run
 * @param {string} component of the one
 * @param {string} name
 * @param {string[]} back
 */
async function checkBelowQuorum({ checks, place, caller, load, faults, figures }, component, name, back) {
  await checks.check(`t = f = ${faults}: ${name} ends too: 503 with Retry-After within the deadline`, async () => {
    await kill(place, [name]);
    const startedAtMs = performance.now();
    // Not answered with 504: whoever asks in this moment is told before the deadline, too.
    let reply = await deposit(caller);
    while (reply.status === 200) reply = await deposit(caller);
    const ms = Math.round(performance.now() - startedAtMs);
    assert.equal(reply.status, 503, reply.text);
    assert.match(reply.text, /below-quorum/);
    assert.ok(Number(reply.headers["retry-after"]) > 0, "Retry-After");
    assert.ok(ms < CLIENT_DEADLINE_MS, `${ms} ms`);
    figures[`${component}RefusedAfterMs`] = ms;
    const againAtMs = performance.now();
    const again = await deposit(caller);
    assert.equal(again.status, 503, again.text);
    return `after ${ms} ms, then in ${Math.round(performance.now() - againAtMs)} ms`;
  });
  await checks.check(`t = f = ${faults}: ${back.join(", ")} back: the service resumes`, async () => {
    const startedAtMs = performance.now();
    await startAgain(place, back);
    await load.answers(GOES_ON_ANSWERS / 5, RESUMED_LIMIT_MS);
    const ms = Math.round(performance.now() - startedAtMs);
    figures[`${component}ResumedAfterMs`] = ms;
    return `${GOES_ON_ANSWERS / 5} answers ${ms} ms after the order to start`;
  });
}

/** @param {Run} run */
async function checkTolerance(run) {
  const { checks, place, load, faults, figures } = run;
  const replicas = (await serversOf(place, "state-replica")).map(({ name }) => name);
  const masters = await serversOf(place, "state-master");
  // The primary among them: its successor has to be found with as few voters as there may be.
  masters.sort((left, right) => Number(right.role === "primary") - Number(left.role === "primary"));
  const away = [...replicas.slice(0, faults), ...masters.slice(0, faults).map(({ name }) => name)];
  const isKilled = await checks.check(
    `t = f = ${faults}: ${away.join(", ")} end at once and stay away: service goes on`,
    async () => {
      assert.equal(replicas.length, 2 * faults + 1);
      assert.equal(masters.length, 2 * faults + 1);
      load.startGap();
      await kill(place, away);
      await load.answers(GOES_ON_ANSWERS, RESUMED_LIMIT_MS);
      const { servers } = await look(place);
      for (const name of away) assert.equal(servers.find((server) => server.name === name)?.pid, null, name);
      figures.longestPauseMs = Math.round(load.longestGapMs);
      return `no write answered for at most ${figures.longestPauseMs} ms`;
    },
  );
  if (!isKilled) return;
  const nextMaster = /** @type {string} */ (masters[faults]?.name);
  await checkBelowQuorum(run, "master", nextMaster, [nextMaster]);
  // A change that only those hold that stayed is neither safe nor void before enough of the others have spoken.
  const nextReplica = /** @type {string} */ (replicas[faults]);
  await checkBelowQuorum(run, "replica", nextReplica, replicas.slice(0, faults + 1));
  await checks.check(`t = f = ${faults}: all are back`, async () => {
    await startAgain(
      place,
      masters.slice(0, faults).map(({ name }) => name),
    );
    await soon("live = wanted", WHOLE_LIMIT_MS, async () =>
      (await look(place)).short.length === 0 ? true : undefined,
    );
  });
}

/**
 * @param {Checks} checks
 * @param {Place} place
 * @param {number} faults
 */
async function runDegree(checks, place, faults) {
  const degree = 2 * faults + 1;
  /** @type {Record<string, number>} */
  const figures = { faults };
  try {
    const flags = ["--degree", `state-replica=${degree}`, "--degree", `state-master=${degree}`];
    const { started } = await start(place, flags);
    const caller = started.client;
    const customers = Array.from({ length: CUSTOMERS.last - CUSTOMERS.first }, (_, at) => CUSTOMERS.first + 1 + at);
    const judgement = new Judgement(place, caller, customers);
    await judgement.open();
    const [first = 0] = customers;
    const load = new Load(caller, { first, last: CUSTOMERS.last, callers: 8, ratePerSecond: 40, random: Math.random });
    load.start();
    await checkTolerance({ checks, place, caller, load, faults, figures });
    await checks.check(`t = f = ${faults}: nothing is lost, nothing doubled, strictly serializable`, async () => {
      await load.drain();
      await judgement.add(load.take());
      const { lost, doubled, serializable, operations, problems } = judgement;
      Object.assign(figures, { operations, lost, doubled });
      assert.deepEqual(
        { lost, doubled, serializable },
        { lost: 0, doubled: 0, serializable: true },
        problems.join("\n"),
      );
      assert.deepEqual([...load.unanswered, ...load.harmed], []);
      return `${operations} requests, ${load.repeated} repeated`;
    });
  } catch (error) {
    await checks.check(`t = f = ${faults}: the run itself`, () => Promise.reject(error));
  } finally {
    await stop(place);
  }
  return figures;
}

const { values } = parseArgs({
  options: {
    ...{ data: { type: "string" }, "port-base": { type: "string" }, json: { type: "boolean" } },
    faults: { type: "string", default: "1,2" },
  },
});
const portBase = Number(values["port-base"] ?? process.env.REDOUBT_PORT_BASE);
const data = values.data ?? process.env.REDOUBT_DATA;
const wanted = values.faults.split(",").map(Number);
if (data === undefined || !Number.isInteger(portBase) || wanted.some((faults) => ![1, 2].includes(faults))) {
  process.stderr.write("expected --data <empty folder> --port-base <number> [--json] [--faults 1,2]\n");
  process.exit(2);
}
const places = wanted.map((faults) => ({ faults, place: { data: join(data, `faults-${faults}`), portBase } }));
for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT", "SIGHUP"])) {
  process.once(signal, () => {
    endCommands();
    void Promise.all(places.map(({ place }) => stop(place))).finally(() => process.exit(1));
  });
}
const checks = new Checks();
const degrees = [];
for (const { faults, place } of places) {
  // Postgres may run as another user, who must be able to enter.
  mkdirSync(place.data, { recursive: true, mode: 0o755 });
  degrees.push(await runDegree(checks, place, faults));
}
closeConnections();
process.exitCode = checks.conclude({ degrees });
