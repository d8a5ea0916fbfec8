/** The bank seen from outside: sums of balances, and a load whose effect on them is known to the cent. */
import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { callUntilAnswered } from "./http.mjs";
import { pause, until } from "./place.mjs";

/** @typedef {import("./http.mjs").Caller} Caller */

const ANSWERS_LIMIT_MS = 30_000;

/**
 * @param {Caller} caller
 * @param {number} customer
 */
export async function balance(caller, customer) {
  const { status, json, text } = await callUntilAnswered(caller, "balance", { customer });
  assert.equal(status, 200, `balance of ${customer}: ${text}`);
  assert.deepEqual(Object.keys(json).sort(), ["checking", "customer", "savings"]);
  return json;
}

/**
 * Sum of everything that the customers first … last hold, in cents.
 * @param {Caller} caller
 * @param {number} first
 * @param {number} last
 */
export async function sumOfBalances(caller, first, last) {
  let sum = 0;
  const chunk = 25;
  for (let from = first; from <= last; from += chunk) {
    const customers = Array.from({ length: Math.min(chunk, last - from + 1) }, (_, index) => from + index);
    for (const { checking, savings } of await Promise.all(customers.map((customer) => balance(caller, customer)))) {
      sum += checking + savings;
    }
  }
  return sum;
}

/**
 * @typedef {object} Asked
 * @property {string} key
 * @property {string} operation
 * @property {any} input
 * @property {import("./http.mjs").Reply & { attempts: number } | undefined} reply undefined while there is none
 * @property {string} [error]
 */

/** A steady load of deposits and transfers over customers of its own; what is asked is remembered with its key. */
export class Load {
  /** @type {Asked[]} */
  asked = [];
  #isOver = false;
  #ending = new AbortController();
  /** @type {Promise<void>} */
  #running;

  /**
   * @param {Caller} caller
   * @param {{ first: number, last: number, ratePerSecond: number, depositsOnly?: boolean }} options
   */
  constructor(caller, options) {
    this.#running = this.#run(caller, options);
  }

  /** @param {Parameters<typeof callUntilAnswered>[0]} caller @param {any} options */
  async #run(caller, { first, last, ratePerSecond, depositsOnly = false }) {
    const underWay = new Set();
    const startedAt = performance.now();
    const count = last - first + 1;
    for (let index = 0; !this.#isOver; index++) {
      const waitMs = startedAt + (index * 1000) / ratePerSecond - performance.now();
      if (waitMs > 0) await pause(waitMs);
      const customer = first + ((index * 37) % count);
      const other = first + ((index * 37 + 11) % count);
      const amount = 1 + (index % 50);
      const isDeposit = depositsOnly || index % 2 === 0;
      /** @type {Asked} */
      const asked = {
        key: randomUUID(),
        operation: isDeposit ? "deposit" : "transfer",
        input: isDeposit ? { customer, account: "checking", amount } : { from: customer, to: other, amount },
        reply: undefined,
      };
      this.asked.push(asked);
      const call = callUntilAnswered(caller, asked.operation, asked.input, {
        idempotencyKey: asked.key,
        signal: this.#ending.signal,
      })
        .then(
          (reply) => {
            asked.reply = reply;
          },
          (error) => {
            asked.error = error.message;
          },
        )
        .finally(() => underWay.delete(call));
      underWay.add(call);
    }
    await Promise.all(underWay);
  }

  /**
   * Resolves when so many more requests have been answered.
   * @param {number} count
   */
  async answers(count) {
    const answered = () => this.asked.filter(({ reply }) => reply !== undefined).length;
    const wanted = answered() + count;
    await until(`${count} answers`, ANSWERS_LIMIT_MS, async () => (answered() >= wanted ? true : undefined));
  }

  /** Asks nothing new; resolves when everything has its answer. */
  async finish() {
    this.#isOver = true;
    await this.#running;
    return this.asked;
  }

  /** Asks nothing new and gives up what has no answer yet. */
  async abandon() {
    this.#isOver = true;
    this.#ending.abort();
    await this.#running;
    return this.asked;
  }
}

/** @param {Asked[]} asked */
export const deposited = (asked) =>
  asked.filter(({ operation }) => operation === "deposit").reduce((sum, { input }) => sum + input.amount, 0);

/**
 * Every request was answered with what it asked for.
 * @param {Asked[]} asked
 */
export function assertAnswered(asked) {
  const bad = asked.filter(({ input, reply }) => {
    if (reply?.status !== 200) return true;
    return Object.entries(input).some(([field, value]) => reply.json?.[field] !== value);
  });
  const [first] = bad;
  assert.equal(
    bad.length,
    0,
    `${bad.length} of ${asked.length} requests not answered correctly, e.g. ${first && JSON.stringify({ ...first, reply: first.reply && { status: first.reply.status, text: first.reply.text.slice(0, 300) } })}`,
  );
}

/** @param {Asked[]} asked */
export const repeatedCount = (asked) => asked.filter(({ reply }) => (reply?.attempts ?? 1) > 1).length;
