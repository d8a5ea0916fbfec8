/**
 * Clients of the application of the containment tests that go on working while something is done to others: one request
 * after the other, each client on a counter of its own, every reply compared with what its client knows.
 */
import { strict as assert } from "node:assert";
import { callUntilAnswered } from "./http.mjs";

/** @typedef {import("./http.mjs").Caller} Caller */

const LIMIT_MS = 60_000;

export class Bystanders {
  #isEnding = false;
  /** @type {Promise<void>[]} */
  #running = [];
  /** @type {number[]} milliseconds */
  #latencies = [];

  /**
   * @param {Caller} caller
   * @param {number} counter
   */
  start(caller, counter) {
    const running = this.#addSteadily(caller, counter);
    // Looked at in the end; until then a failure must not end the whole run.
    running.catch(() => undefined);
    this.#running.push(running);
  }

  /** @returns {Promise<string>} figures; rejects with the first thing that was not as it should be */
  async end() {
    this.#isEnding = true;
    await Promise.all(this.#running);
    const latencies = this.#latencies.sort((left, right) => left - right);
    assert.ok(latencies.length > 0);
    const p50 = latencies[Math.floor(latencies.length / 2)];
    return `${latencies.length} requests, p50 ${p50?.toFixed(0)} ms, the slowest ${latencies.at(-1)?.toFixed(0)} ms`;
  }

  /**
   * @param {Caller} caller
   * @param {number} counter
   */
  async #addSteadily(caller, counter) {
    let count = await this.#count(caller, counter);
    while (!this.#isEnding) {
      const startedAt = performance.now();
      const reply = await callUntilAnswered(caller, "add", { counter, amount: 1 }, { deadlineMs: LIMIT_MS });
      this.#latencies.push(performance.now() - startedAt);
      assert.deepEqual([reply.status, reply.json], [200, { counter, count: ++count }]);
    }
    assert.equal(await this.#count(caller, counter), count);
  }

  /**
   * @param {Caller} caller
   * @param {number} counter
   */
  async #count(caller, counter) {
    return (await callUntilAnswered(caller, "look", { counter }, { deadlineMs: LIMIT_MS })).json.count;
  }
}
