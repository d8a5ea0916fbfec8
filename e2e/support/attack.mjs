/** Crafted requests by clients of their own, each from an address of its own, sent as any client would send them. */
import { readFileSync } from "node:fs";
import { send } from "../cluster/http.mjs";
import { projectRoot, redoubtJson, until } from "../cluster/place.mjs";

/** @typedef {import("../cluster/place.mjs").Place} Place */
/** @typedef {{ client: string, address: string, body?: string }} Attack */

const ANSWER_LIMIT_MS = 60_000;

/** The file as it stands: parsing it would lose the very field that makes it an attack. */
export const craftedBody = readFileSync(`${projectRoot}examples/bank/attacks/import-statement.json`, "utf8");

/**
 * The same attack in other words. A signature learned from one body stops that body at the door; each test wants one that
 * goes all the way.
 * @param {string} text of the statement's line
 */
export const reworded = (text) => craftedBody.replace("Monthly savings plan", JSON.stringify(text).slice(1, -1));

/**
 * Makes a client, waits until the regulator knows it, and sends its one request.
 * @param {Place} place
 * @param {string} url of the client API
 * @param {Attack} attack
 * @returns {Promise<{ status: number, text: string, answeredAtMs: number }>} answeredAtMs by the clock of `performance`
 */
export async function attack(place, url, { client, address, body = craftedBody }) {
  const { value } = await redoubtJson(place, ["client", "add", client], { limitMs: ANSWER_LIMIT_MS });
  const caller = { url, key: value.key, localAddress: address };
  return until(`an answer to ${client}`, ANSWER_LIMIT_MS, async () => {
    const reply = await send(caller, "/v1/operations/import-statement", { body, limitMs: ANSWER_LIMIT_MS });
    const answeredAtMs = performance.now();
    return reply.status === 401 ? undefined : { status: reply.status, text: reply.text, answeredAtMs };
  });
}
