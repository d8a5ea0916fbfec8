/** Questions to the administration interface without a process for each: what is asked every few milliseconds must cost little. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../cluster/place.mjs";

/** @typedef {import("../cluster/place.mjs").Place} Place */
/** @typedef {{ name: string, pid: number | null, state: string, component: string, role: string, node: string }} ServerNow */
/** @typedef {{ servers: ServerNow[], nodes: { name: string, pid: number | null, state: string }[], processes: { name: string, pid: number }[], short: string[] }} ClusterNow */

const ANSWER_LIMIT_MS = 5_000;
const LOOK_MS = 100;

/**
 * @param {Place} place
 * @param {string} procedure
 * @param {unknown} [input]
 * @returns {Promise<any>} rejects when the manager does not answer or refuses
 */
export async function ask({ data, portBase }, procedure, input) {
  const token = readFileSync(join(data, "secrets", "admin-token"), "utf8").trim();
  const query = input === undefined ? "" : `?input=${encodeURIComponent(JSON.stringify({ json: input }))}`;
  const response = await fetch(`http://127.0.0.1:${portBase + 2}/trpc/${procedure}${query}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const answer = await response.json();
  if (answer.error !== undefined) throw new Error(`${procedure}: ${answer.error.json?.message ?? response.status}`);
  return answer.result.data.json;
}

/**
 * @param {Place} place
 * @returns {Promise<ClusterNow>}
 */
export async function look(place) {
  const { nodes, degrees, processes } = await ask(place, "cluster.status");
  return {
    servers: nodes.flatMap((/** @type {any} */ node) =>
      node.servers.map((/** @type {any} */ server) => ({ ...server, node: node.name })),
    ),
    nodes,
    processes,
    short: Object.entries(degrees)
      .filter(([, { live, wanted }]) => live < wanted)
      .map(([component]) => component),
  };
}

/** @param {string} url @returns {Promise<boolean>} */
export const answersWell = (url) =>
  fetch(url, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status === 200;
    },
    () => false,
  );

/**
 * `until`, looking every few milliseconds.
 * @template Value
 * @param {string} what
 * @param {number} limitMs
 * @param {() => Promise<Value | undefined>} find
 * @returns {Promise<Value>}
 */
export const soon = (what, limitMs, find) => until(what, limitMs, find, LOOK_MS);
