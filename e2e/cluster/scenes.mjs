/** Orders to the manager by which execution servers misbehave, and what the manager says of single requests. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { serversOf, status } from "./cluster.mjs";
import { until } from "./place.mjs";

/** @typedef {import("./place.mjs").Place} Place */

const ANSWER_LIMIT_MS = 5_000;
const SCENE_LIMIT_MS = 60_000;

/** @param {Place} place */
const tokenOf = ({ data }) => readFileSync(join(data, "secrets", "admin-token"), "utf8").trim();

/**
 * @param {Place} place
 * @param {string} procedure
 * @param {unknown} input
 * @param {"GET" | "POST"} method
 * @returns {Promise<any>}
 */
async function administer(place, procedure, input, method) {
  const body = JSON.stringify({ json: input });
  const query = method === "GET" ? `?input=${encodeURIComponent(body)}` : "";
  const response = await fetch(`http://127.0.0.1:${place.portBase + 2}/trpc/${procedure}${query}`, {
    method,
    headers: { authorization: `Bearer ${tokenOf(place)}`, "content-type": "application/json" },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    ...(method === "POST" ? { body } : {}),
  });
  const answer = await response.json();
  if (answer.error !== undefined) throw new Error(`${procedure}: ${answer.error.json?.message ?? response.status}`);
  return answer.result.data.json;
}

/**
 * One request's way, as `redoubt request show` has it.
 * @param {Place} place
 * @param {string} requestId
 */
export const showRequest = (place, requestId) => administer(place, "requests.show", { requestId }, "GET");

/**
 * What people see of a quarantined request.
 * @param {Place} place
 * @param {string} requestId
 */
export const quarantined = (place, requestId) => administer(place, "quarantine.item", { requestId }, "GET");

/**
 * As `redoubt quarantine release` and `confirm` do it; rejects with why the manager refused.
 * @param {Place} place
 * @param {string} requestId
 * @param {"release" | "confirm"} decision
 */
export const decideQuarantined = (place, requestId, decision) =>
  administer(place, `quarantine.${decision}`, { requestId, reason: "looked at it" }, "POST");

/**
 * Blocks and signatures that stand.
 * @param {Place} place
 * @returns {Promise<{ hosts: any[], signatures: any[] }>}
 */
export async function screening(place) {
  const [hosts, signatures] = await Promise.all(
    ["hosts.list", "signatures.list"].map((procedure) => administer(place, procedure, undefined, "GET")),
  );
  return { hosts, signatures };
}

/**
 * The newest events of the feed, oldest first.
 * @param {Place} place
 * @returns {Promise<any[]>}
 */
export const newestEvents = async (place) =>
  (await administer(place, "cluster.events", { limit: 200 }, "GET")).events.reverse();

/**
 * Has every execution server replaced by one that runs the scene's entry, for as long as the cluster lives.
 * @param {Place} place
 * @param {string} scene
 */
export async function setScene(place, scene) {
  const pids = async () =>
    serversOf(await status(place))
      .filter(({ component, state, pid }) => component === "execution-server" && state === "up" && pid !== null)
      .map(({ pid }) => pid);
  const before = await pids();
  await administer(place, "drills.start", { drill: scene }, "POST");
  await until("every execution server replaced", SCENE_LIMIT_MS, async () => {
    const now = await pids();
    return now.length >= before.length && now.every((pid) => !before.includes(pid)) ? true : undefined;
  });
}
