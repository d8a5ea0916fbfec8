/**
 * One request that ends what runs it, among many good ones at the same time: the good ones take effect and are answered, the
 * poison stands in L1 after at most three attempts on different processes, and nobody else does (REQUIREMENTS R35, U24).
 */
import { strict as assert } from "node:assert";
import { call, callUntilAnswered } from "./http.mjs";
import { redoubtJson, until } from "./place.mjs";
import { showRequest } from "./scenes.mjs";

const GOOD = 200;
const CLIENTS = 4;
const LIMIT_MS = 60_000;
const ATTEMPTS_MAX = 3;
const LOOK_MS = 5;

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 * @param {{ operation: string, ends: string, client: string, address: string, counter: number }} poison
 */
export async function checkPoison(checks, place, caller, poison) {
  const { operation, ends, client, address, counter } = poison;
  /** @type {import("./http.mjs").Reply} */
  let rejection;
  /** @type {any[]} */
  let listedBefore = [];
  await checks.check(
    `${operation}: a request that ends ${ends}, among ${GOOD} good ones: all of them verified`,
    async () => {
      listedBefore = (await redoubtJson(place, ["quarantine", "list"])).value;
      const callers = await goodCallers(place, caller, operation);
      const poisoner = { ...(await newCaller(place, caller, client)), localAddress: address };
      const before = await countsOf(caller);
      /** @type {number[]} */
      const latencies = [];
      const good = before.map(async (_, index) => {
        const startedAt = performance.now();
        const input = { counter: index + 1, amount: 1 };
        const reply = await callUntilAnswered(callers[index % CLIENTS], "add", input, { deadlineMs: LIMIT_MS });
        latencies.push(performance.now() - startedAt);
        return reply;
      });
      // The poison arrives among the others.
      await until("the first reply", LIMIT_MS, async () => (latencies.length > 0 ? true : undefined), LOOK_MS);
      const poisonous = callUntilAnswered(poisoner, operation, { counter }, { deadlineMs: LIMIT_MS });
      const replies = await Promise.all(good);
      const goodMs = Math.max(...latencies);
      rejection = await poisonous;
      for (const [index, reply] of replies.entries()) {
        assert.equal(reply.status, 200, reply.text);
        assert.equal(reply.json.count, before[index] + 1, reply.text);
      }
      const after = await countsOf(caller);
      assert.deepEqual(
        after,
        before.map((count) => count + 1),
      );
      latencies.sort((left, right) => left - right);
      const p99 = latencies[Math.ceil(GOOD * 0.99) - 1];
      const p50 = latencies[GOOD / 2];
      return `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, the last after ${goodMs.toFixed(0)} ms`;
    },
  );
  await checks.check(
    `${operation}: it is rejected, in L1, after at most ${ATTEMPTS_MAX} attempts on different processes`,
    async () => {
      assert.equal(rejection.status, 403, rejection.text);
      const requestId = /** @type {string} */ (rejection.headers["redoubt-request-id"]);
      const history = await until("the evidence", 10_000, async () => {
        const shown = await showRequest(place, requestId);
        return shown.attributions.length > 0 ? shown : undefined;
      });
      assert.equal(history.log, "L1");
      assert.equal(history.attributions.at(-1).guilty, "request");
      const { check, evidence } = history.attributions.at(-1);
      assert.notEqual(check, "timeout", `it did not end ${ends}`);
      const { runs } = evidence;
      const processes = runs.map(({ server, incarnation }) => `${server} ${incarnation}`);
      assert.ok(processes.length <= ATTEMPTS_MAX, JSON.stringify(runs));
      assert.equal(new Set(processes).size, processes.length, processes.join(", "));
      return `${check}: ${processes.join(", ")}`;
    },
  );
  await checks.check(`${operation}: no bystander is in L1 or blocked`, async () => {
    const { value } = await redoubtJson(place, ["quarantine", "list"]);
    const known = new Set(listedBefore.map(({ requestId }) => requestId));
    const added = value.filter(({ requestId }) => !known.has(requestId));
    assert.deepEqual(
      added.map((entry) => [entry.operation, entry.client]),
      [[operation, client]],
    );
    const reply = await call(caller, "look", { counter: 1 });
    assert.equal(reply.status, 200, reply.text);
  });
}

/**
 * Several clients, as good requests come from several.
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 * @param {string} prefix
 */
async function goodCallers(place, caller, prefix) {
  const callers = [caller];
  while (callers.length < CLIENTS) callers.push(await newCaller(place, caller, `good-${prefix}-${callers.length}`));
  return callers;
}

/**
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 * @param {string} name
 * @returns {Promise<import("./http.mjs").Caller>} once the regulator knows its key
 */
export async function newCaller(place, { url }, name) {
  const { value } = await redoubtJson(place, ["client", "add", name]);
  const added = { url, key: value.key };
  await until(`${name}'s key known`, 10_000, async () =>
    (await call(added, "look", { counter: 1 })).status === 401 ? undefined : true,
  );
  return added;
}

/** @param {import("./http.mjs").Caller} caller */
async function countsOf(caller) {
  const looks = Array.from({ length: GOOD }, (_, index) =>
    callUntilAnswered(caller, "look", { counter: index + 1 }, { deadlineMs: LIMIT_MS }),
  );
  return (await Promise.all(looks)).map(({ json }) => json.count);
}
