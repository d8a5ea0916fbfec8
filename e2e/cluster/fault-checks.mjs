/** Processes end without warning while clients ask; in the end every request is answered and every cent is where it was. */
import { strict as assert } from "node:assert";
import { assertAnswered, deposited, Load, repeatedCount, sumOfBalances } from "./bank.mjs";
import { isAlive, killAndAwaitReplacement, processesOf, recordedProcesses, start, status } from "./cluster.mjs";
import { callUntilAnswered } from "./http.mjs";
import { until } from "./place.mjs";

const REPLACED_LIMIT_MS = 10_000;
const RATE_PER_SECOND = 50;
const RESTART_LIMIT_SECONDS = 30;
/** Answered before the first end, and between one and the next. */
const CALM_ANSWERS = 75;
/** Customers of the load; other checks leave them alone. */
const CUSTOMERS = { first: 101, last: 260 };

/** @typedef {import("./cluster.mjs").Server} Server */

/** What may end under load, one after another. @type {Record<string, (server: Server) => boolean>} */
export const targets = {
  "the execution server that holds the leases": ({ component, role }) =>
    component === "execution-server" && role === "lease holder",
  "a state replica": ({ component }) => component === "state-replica",
  "an acceptance test server": ({ component }) => component === "acceptance-test-server",
  "the Paxos leader": ({ component, role }) => component === "state-master" && role === "primary",
};

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 * @param {(keyof typeof targets)[]} names
 */
export async function checkKillsUnderLoad(checks, place, caller, names) {
  const { first, last } = CUSTOMERS;
  const before = await sumOfBalances(caller, first, last);
  const load = new Load(caller, { ...CUSTOMERS, ratePerSecond: RATE_PER_SECOND });
  await load.answers(CALM_ANSWERS);
  for (const name of names) {
    await checks.check(`kill -9 of ${name} under load: live = wanted again within 10 s`, async () => {
      const { name: server, seconds } = await killAndAwaitReplacement(place, targets[name], REPLACED_LIMIT_MS);
      return `${server} replaced in ${seconds.toFixed(1)} s`;
    });
    await load.answers(CALM_ANSWERS);
  }
  const asked = await load.finish();
  await checks.check("every request under load was answered correctly in the end", async () => {
    assertAnswered(asked);
    return `${asked.length} requests, ${repeatedCount(asked)} repeated`;
  });
  await checks.check("the sum of balances is exact", async () => {
    const after = await sumOfBalances(caller, first, last);
    assert.equal(after, before + deposited(asked));
    return `${after} cents`;
  });
}

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 * @param {string[]} flags of the start
 */
export async function checkPowerCut(checks, place, caller, flags) {
  const { first, last } = CUSTOMERS;
  const before = await sumOfBalances(caller, first, last);
  const load = new Load(caller, { ...CUSTOMERS, ratePerSecond: RATE_PER_SECOND, depositsOnly: true });
  await load.answers(CALM_ANSWERS);
  let acknowledged = [];
  let asked = [];
  await checks.check("kill -9 of everything under load", async () => {
    const listed = (await status(place)).processes.map(({ pid }) => pid);
    const pids = [...new Set([...listed, ...recordedProcesses(place).map(({ pid }) => pid)])].filter(isAlive);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    asked = await load.abandon();
    acknowledged = asked.filter(({ reply }) => reply?.status === 200);
    assert.ok(acknowledged.length > 0, "some deposits were acknowledged");
    await until("every process ended", 10_000, async () => (pids.some(isAlive) ? undefined : true));
    // Databases notice the end of their parent by themselves.
    await until("nothing left behind", 10_000, async () => (processesOf(place).length === 0 ? true : undefined)).catch(
      () => undefined,
    );
    return `${pids.length} processes, ${acknowledged.length} of ${asked.length} deposits acknowledged`;
  });
  let startSeconds = Number.POSITIVE_INFINITY;
  const isUp = await checks.check("the same cluster starts again, with the same client key", async () => {
    const { started, seconds } = await start(place, flags);
    startSeconds = seconds;
    assert.equal(started.client.key, caller.key);
    assert.equal(started.console.password, null);
  });
  if (!isUp) return;
  await checks.check(`it takes at most ${RESTART_LIMIT_SECONDS} s`, async () => {
    assert.ok(startSeconds <= RESTART_LIMIT_SECONDS, `${startSeconds.toFixed(1)} s`);
    return `${startSeconds.toFixed(1)} s`;
  });
  await checks.check("no acknowledged deposit is lost: each replays byte for byte", async () => {
    for (const { key, operation, input, reply } of acknowledged) {
      const again = await callUntilAnswered(caller, operation, input, { idempotencyKey: key });
      assert.equal(again.status, 200, again.text);
      assert.equal(again.text, reply?.text, `deposit ${key}`);
      assert.equal(again.headers["idempotent-replayed"], "true", `deposit ${key}`);
    }
  });
  await checks.check("when every key is repeated, each deposit counts exactly once", async () => {
    const replies = await Promise.all(
      asked.map(({ key, operation, input }) => callUntilAnswered(caller, operation, input, { idempotencyKey: key })),
    );
    for (const { status: code, text } of replies) assert.equal(code, 200, text);
    const after = await sumOfBalances(caller, first, last);
    assert.equal(after, before + deposited(asked));
    return `${asked.length} deposits, ${after} cents`;
  });
}
