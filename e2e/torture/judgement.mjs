/** Stops the load for a moment, fetches what the cluster holds, and judges the stretch since the last time. */
import { callUntilAnswered } from "../cluster/http.mjs";
import { ask, soon } from "./administration.mjs";
import { judge, writesOf } from "./history.mjs";

/** @typedef {import("./history.mjs").Balances} Balances */

/** @typedef {{ number: number, requestId: string, status: string }} Version */

const VERIFIED_LIMIT_MS = 30_000;
const AT_ONCE = 10;
const PAGE = 200;

export class Judgement {
  lost = 0;
  doubled = 0;
  serializable = true;
  operations = 0;
  /** @type {string[]} */
  problems = [];
  /** Newest verified version of the stretches before. @type {Map<number, number>} */
  #heads = new Map();
  /** @type {Map<number, Balances>} */
  #initial = new Map();

  /**
   * @param {import("../cluster/place.mjs").Place} place
   * @param {import("../cluster/http.mjs").Caller} caller
   * @param {number[]} customers
   */
  constructor(place, caller, customers) {
    this.place = place;
    this.caller = caller;
    this.customers = customers;
  }

  /** What is there before the first request. */
  async open() {
    this.#initial = await this.#balances();
    for (const [customer, { versions }] of await this.#each((customer) => this.#page(customer))) {
      this.#heads.set(customer, versions.at(-1)?.number ?? 0);
    }
  }

  /** @param {readonly import("./history.mjs").Operation[]} operations all that were answered since the last time */
  async add(operations) {
    /** @type {Map<number, number>} */
    const expected = new Map();
    for (const operation of operations) {
      for (const customer of writesOf(operation)) expected.set(customer, (expected.get(customer) ?? 0) + 1);
    }
    const found = await this.#each((customer) => this.#newVersions(customer, expected.get(customer) ?? 0));
    const final = await this.#balances();
    const { lost, doubled, serializable, problems } = judge({
      operations,
      versions: new Map([...found].map(([customer, entries]) => [customer, entries.map(({ requestId }) => requestId)])),
      initial: this.#initial,
      final,
    });
    this.lost += lost;
    this.doubled += doubled;
    this.serializable &&= serializable;
    this.operations += operations.length;
    this.problems.push(...problems);
    this.#initial = final;
    for (const [customer, entries] of found) {
      const newest = entries.at(-1);
      if (newest !== undefined) this.#heads.set(customer, newest.number);
    }
  }

  /**
   * Labels are a moment behind the replies: looks until as many are verified as were acknowledged. Fewer in the end is for
   * the judgement to say, not an error here.
   * @param {number} customer
   * @param {number} count
   */
  async #newVersions(customer, count) {
    const head = this.#heads.get(customer) ?? 0;
    /** @type {Version[]} */
    let found = [];
    await soon(`${count} verified versions of account/${customer}`, VERIFIED_LIMIT_MS, async () => {
      found = await this.#versionsAfter(customer, head);
      return found.length >= count ? true : undefined;
    }).catch((error) => process.stderr.write(`${error.message}: ${found.length} are\n`));
    return found;
  }

  /**
   * @param {number} customer
   * @param {number} head
   * @returns {Promise<Version[]>} verified ones above the head, oldest first
   */
  async #versionsAfter(customer, head) {
    /** @type {Version[]} */
    const found = [];
    /** @type {string | null | undefined} */
    let before;
    do {
      const page = await this.#page(customer, before);
      found.unshift(...page.versions.filter(({ number, status }) => number > head && status === "verified"));
      before = page.versions.some(({ number }) => number <= head) ? null : page.older;
    } while (before != null);
    return found;
  }

  /**
   * @param {number} customer
   * @param {string} [before]
   * @returns {Promise<{ versions: Version[], older: string | null }>} oldest first
   */
  #page(customer, before) {
    const input = { object: `account/${customer}`, limit: PAGE, ...(before === undefined ? {} : { before }) };
    return ask(this.place, "state.show", input);
  }

  /** @returns {Promise<Map<number, Balances>>} */
  #balances() {
    return this.#each(async (customer) => {
      const { status, json, text } = await callUntilAnswered(this.caller, "balance", { customer });
      if (status !== 200) throw new Error(`balance of ${customer}: ${status} ${text}`);
      return { checking: json.checking, savings: json.savings };
    });
  }

  /**
   * @template Value
   * @param {(customer: number) => Promise<Value>} find
   * @returns {Promise<Map<number, Value>>}
   */
  async #each(find) {
    const found = new Map();
    for (let from = 0; from < this.customers.length; from += AT_ONCE) {
      const some = this.customers.slice(from, from + AT_ONCE);
      const values = await Promise.all(some.map(find));
      for (const [index, customer] of some.entries()) found.set(customer, values[index]);
    }
    return found;
  }
}
