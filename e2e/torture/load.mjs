/**
 * Clients that never stop asking: each has one request at a time and repeats it with the same key until there is a
 * definite answer. Everything asked is kept with its times, for the judgement of the whole history.
 */
import { randomUUID } from "node:crypto";
import { callUntilAnswered } from "../cluster/http.mjs";
import { pause } from "../cluster/place.mjs";
import { soon } from "./administration.mjs";

/** @typedef {import("../cluster/http.mjs").Caller} Caller */
/** @typedef {import("./history.mjs").Operation} Operation */

const ANSWER_LIMIT_MS = 180_000;
/** Every fifth request goes to one of so few customers that requests wait for each other. */
const CROWDED = 6;
const AMOUNT_MAX = 5_000;

export class Load {
  /** Answered since the last `take`. @type {Operation[]} */
  #operations = [];
  /** Requests that got no definite answer in time. @type {string[]} */
  unanswered = [];
  /** Answers that no honest client of this bank should get. @type {string[]} */
  harmed = [];
  answered = 0;
  repeated = 0;
  /** When the last answer to a write came, and the longest time without one since `startGap`. */
  #lastAnswerAtMs = performance.now();
  #longestGapMs = 0;
  #isAsking = false;
  /** @type {Promise<void>[]} */
  #callers = [];
  #options;

  /**
   * @param {Caller} caller
   * @param {{ first: number, last: number, callers: number, ratePerSecond: number, random: () => number }} options
   */
  constructor(caller, options) {
    this.caller = caller;
    this.#options = options;
  }

  start() {
    this.#isAsking = true;
    this.#lastAnswerAtMs = performance.now();
    this.#callers = Array.from({ length: this.#options.callers }, () => this.#ask());
  }

  /** Asks nothing new; resolves when everything under way has its answer. */
  async drain() {
    this.#isAsking = false;
    await Promise.all(this.#callers);
  }

  /**
   * Resolves when so many more requests have been answered.
   * @param {number} count
   * @param {number} limitMs
   */
  async answers(count, limitMs) {
    const wanted = this.answered + count;
    await soon(`${count} answers`, limitMs, async () => (this.answered >= wanted ? true : undefined));
  }

  /** What was answered since the last time. */
  take() {
    const operations = this.#operations;
    this.#operations = [];
    return operations;
  }

  startGap() {
    this.#longestGapMs = 0;
  }

  /** Longest time without a write's answer since `startGap`, in milliseconds. */
  get longestGapMs() {
    return Math.max(this.#longestGapMs, performance.now() - this.#lastAnswerAtMs);
  }

  async #ask() {
    const { callers, ratePerSecond } = this.#options;
    const periodMs = (1000 * callers) / ratePerSecond;
    while (this.#isAsking) {
      const startedAtMs = performance.now();
      await this.#askOnce();
      const restMs = periodMs - (performance.now() - startedAtMs);
      if (restMs > 0) await pause(restMs);
    }
  }

  async #askOnce() {
    const { operation, input } = this.#draw();
    const invokedAtMs = performance.now();
    try {
      const reply = await callUntilAnswered(this.caller, operation, input, {
        idempotencyKey: randomUUID(),
        deadlineMs: ANSWER_LIMIT_MS,
      });
      this.answered++;
      if (reply.attempts > 1) this.repeated++;
      const completedAtMs = performance.now();
      if (operation !== "balance") this.#noteAnswer(completedAtMs);
      const requestId = String(reply.headers["redoubt-request-id"]);
      if (reply.status !== 200 && reply.status !== 422) {
        this.harmed.push(`${operation} ${JSON.stringify(input)}: ${reply.status} ${reply.text.slice(0, 200)}`);
      }
      this.#operations.push({
        ...{ requestId, operation, input, invokedAtMs, completedAtMs },
        ...{ status: reply.status, body: reply.json },
      });
    } catch (error) {
      this.unanswered.push(/** @type {Error} */ (error).message);
    }
  }

  /** @param {number} atMs */
  #noteAnswer(atMs) {
    this.#longestGapMs = Math.max(this.#longestGapMs, atMs - this.#lastAnswerAtMs);
    this.#lastAnswerAtMs = atMs;
  }

  #draw() {
    const { first, last, random } = this.#options;
    const customer = () => first + Math.floor(random() * (random() < 0.2 ? CROWDED : last - first + 1));
    const amount = 1 + Math.floor(random() * AMOUNT_MAX);
    const kind = random();
    if (kind < 0.2) return { operation: "balance", input: { customer: customer() } };
    if (kind < 0.55) {
      const account = random() < 0.5 ? "checking" : "savings";
      return { operation: "deposit", input: { customer: customer(), account, amount } };
    }
    if (kind < 0.7) return { operation: "write-check", input: { customer: customer(), amount } };
    const from = customer();
    const other = customer();
    const to = other === from ? (from === last ? first : from + 1) : other;
    return { operation: "transfer", input: { from, to, amount } };
  }
}
