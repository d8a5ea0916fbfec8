/**
 * Requests that get no answer from what runs them: a handler that hangs, and a whole execution server that is stopped. The
 * server is found at its operation's deadline, ended, replaced, and its other requests run elsewhere (R32–R34).
 */
import { strict as assert } from "node:assert";
import { isAlive, serversOf, status } from "./cluster.mjs";
import { callUntilAnswered } from "./http.mjs";
import { until } from "./place.mjs";
import { newCaller } from "./poison-check.mjs";
import { newestEvents, showRequest } from "./scenes.mjs";

/** Of `hang` in the contract. */
const DEADLINE_MS = 1_000;
const TOLERANCE = 0.1;
/** Of every operation that names none. */
const USUAL_DEADLINE_MS = 2_000;
/** The feed's clock and ours are the same; what else lies between the deadline and its event. */
const TOLD_MS = 250;

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller
 */
export async function checkHang(checks, place, caller) {
  await checks.check(`a handler that never answers is found at its deadline of ${DEADLINE_MS} ms`, async () => {
    const hanging = { ...(await newCaller(place, caller, "hangs")), localAddress: "127.9.0.13" };
    const askedAt = Date.now();
    const answer = callUntilAnswered(hanging, "hang", { counter: 398 }, { deadlineMs: 60_000 });
    const event = await discardAfter(place, askedAt);
    const reply = await answer;
    assert.equal(reply.status, 403, reply.text);
    const foundAfter = await firstLasted(place, /** @type {string} */ (reply.headers["redoubt-request-id"]));
    assert.ok(foundAfter >= DEADLINE_MS * (1 - TOLERANCE), `found after ${foundAfter} ms`);
    assert.ok(foundAfter <= DEADLINE_MS * (1 + TOLERANCE), `found after ${foundAfter} ms`);
    return `found after ${foundAfter} ms: ${event.cause}`;
  });
  await checks.check(
    "a stopped execution server is found at the deadline, ended and replaced; its requests are answered",
    async () => {
      const holder = await until("a holder of the leases", 20_000, async () =>
        serversOf(await status(place)).find(
          ({ component, role, pid, state }) =>
            component === "execution-server" && role === "lease holder" && pid !== null && state === "up",
        ),
      );
      const pid = /** @type {number} */ (holder.pid);
      process.kill(pid, "SIGSTOP");
      const askedAt = Date.now();
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          callUntilAnswered(caller, "add", { counter: 300 + index, amount: 1 }, { deadlineMs: 30_000 }),
        ),
      );
      const servedAfter = Date.now() - askedAt;
      const event = await discardAfter(place, askedAt);
      const foundAfter = Date.parse(event.at) - askedAt;
      assert.equal(event.server, holder.name);
      assert.ok(foundAfter <= USUAL_DEADLINE_MS * (1 + TOLERANCE) + TOLD_MS, `found after ${foundAfter} ms`);
      for (const reply of replies) assert.equal(reply.status, 200, reply.text);
      await until(`pid ${pid} gone and ${holder.name} replaced`, 15_000, async () => {
        const now = serversOf(await status(place)).find(({ name }) => name === holder.name);
        return !isAlive(pid) && now?.state === "up" && now.pid !== null && now.pid !== pid ? true : undefined;
      });
      return `found after ${foundAfter} ms, all answered after ${servedAfter} ms`;
    },
  );
}

/**
 * @param {import("./place.mjs").Place} place
 * @param {string} requestId
 * @returns {Promise<number>} milliseconds from its first dispatch until it was found to have failed
 */
const firstLasted = (place, requestId) =>
  until(
    "the evidence",
    10_000,
    async () => (await showRequest(place, requestId)).attributions[0]?.evidence.runs[0]?.lastedMs,
  );

/**
 * @param {import("./place.mjs").Place} place
 * @param {number} since milliseconds since 1970
 */
const discardAfter = (place, since) =>
  until("a discarded server", 20_000, async () =>
    (await newestEvents(place)).find(({ kind, at }) => kind === "server.discarded" && Date.parse(at) >= since),
  );
