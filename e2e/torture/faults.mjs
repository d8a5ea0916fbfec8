/**
 * Ends processes with SIGKILL and measures until each serves again. What "serves" means depends on the process: the
 * regulator answers that it is ready for requests, the manager that it answers, every other server that its own report
 * of being ready has reached the manager; a node agent, that it reports; a database, that there is another one.
 */
import { isAlive, processesOf, recordedProcesses, start } from "../cluster/cluster.mjs";
import { until } from "../cluster/place.mjs";
import { answersWell, look, soon } from "./administration.mjs";

/** @typedef {import("../cluster/place.mjs").Place} Place */
/** @typedef {{ name: string, pid: number, role: string, node?: string }} Victim */
/** @typedef {{ role: string, name: string, ms: number }} Restart */

const WHOLE_LIMIT_MS = 60_000;
const ENDED_LIMIT_MS = 15_000;
const DATABASE = /^postgres-(master-\d+|manager)$/;

/** @param {string} name */
const roleOf = (name) =>
  DATABASE.test(name) ? "database" : /^node-\d+$/.test(name) ? "node-agent" : name.replace(/-\d+$/, "");

/**
 * Everything whose end the cluster must survive, as it is now.
 * @param {Place} place
 * @returns {Promise<Victim[]>}
 */
export async function victims(place) {
  const { servers, nodes, processes } = await look(place);
  const found = [
    ...servers.map(({ name, pid, node }) => ({ name, pid, node })),
    ...nodes.map(({ name, pid }) => ({ name, pid, node: name })),
    ...processes.filter(({ name }) => DATABASE.test(name)),
  ];
  return found.flatMap((each) => (each.pid === null ? [] : [{ ...each, pid: each.pid, role: roleOf(each.name) }]));
}

/**
 * Draws who ends in one cycle.
 * @param {readonly Victim[]} all
 * @param {() => number} random
 * @returns {{ kind: "one" | "two" | "node" | "everything", chosen: Victim[] }}
 */
export function draw(all, random) {
  const pick = (/** @type {readonly Victim[]} */ among) =>
    /** @type {Victim} */ (among[Math.floor(random() * among.length)]);
  const kind = random();
  if (kind < 0.08) return { kind: "everything", chosen: [] };
  if (kind < 0.16) {
    const { name } = pick(all.filter(({ role }) => role === "node-agent"));
    return { kind: "node", chosen: all.filter(({ node }) => node === name) };
  }
  const first = pick(all);
  if (kind < 0.5) return { kind: "two", chosen: [first, pick(all.filter(({ name }) => name !== first.name))] };
  return { kind: "one", chosen: [first] };
}

/**
 * @param {Place} place
 * @param {readonly Victim[]} chosen
 * @returns {Promise<Restart[]>} how long each took; resolves when the cluster is whole
 */
export async function killAndMeasure(place, chosen) {
  const killedAtMs = performance.now();
  for (const { pid } of chosen) process.kill(pid, "SIGKILL");
  const waiting = new Map(chosen.map((victim) => [victim.name, victim]));
  /** @type {Restart[]} */
  const restarts = [];
  let missing = "";
  const say = () => `${[...waiting.keys()].join(", ") || "nothing"} to come back; ${missing}`;
  try {
    await soon("the cluster whole again", WHOLE_LIMIT_MS, async () => {
      const now = await look(place);
      for (const victim of [...waiting.values()]) {
        if (!(await isServing(place, victim, now))) continue;
        waiting.delete(victim.name);
        restarts.push({ role: victim.role, name: victim.name, ms: Math.round(performance.now() - killedAtMs) });
      }
      const nodesAway = now.nodes.filter(({ pid, state }) => state !== "up" || pid === null || !isAlive(pid));
      missing = `short of ${[...now.short, ...nodesAway.map(({ name }) => name)].join(", ") || "nothing"}`;
      if (waiting.size > 0 || now.short.length > 0 || nodesAway.length > 0) return undefined;
      return (await answersWell(`http://127.0.0.1:${place.portBase}/readyz`)) ? true : undefined;
    });
  } catch (error) {
    throw new Error(`${/** @type {Error} */ (error).message} (${say()})`);
  }
  return restarts;
}

/**
 * @param {Place} place
 * @param {Victim} victim
 * @param {import("./administration.mjs").ClusterNow} now
 */
async function isServing({ portBase }, { name, pid, role }, now) {
  const isNew = (/** @type {number | null | undefined} */ other) => other != null && other !== pid && isAlive(other);
  if (role === "database") return isNew(now.processes.find((each) => each.name === name)?.pid);
  if (role === "node-agent") {
    const node = now.nodes.find((each) => each.name === name);
    return node?.state === "up" && isNew(node.pid);
  }
  const server = now.servers.find((each) => each.name === name);
  if (server?.state !== "up" || !isNew(server.pid)) return false;
  if (role === "traffic-regulator") return answersWell(`http://127.0.0.1:${portBase}/readyz`);
  return role !== "configuration-manager" || answersWell(`http://127.0.0.1:${portBase + 2}/healthz`);
}

/**
 * Everything at once, agents and databases too, then `redoubt up` on what the disks hold.
 * @param {Place} place
 * @param {string[]} flags of `redoubt up`
 * @returns {Promise<Restart>}
 */
export async function cutPower(place, flags) {
  const killedAtMs = performance.now();
  const pids = [...new Set([...recordedProcesses(place).map(({ pid }) => pid), ...processesOf(place)])];
  for (const pid of pids) kill(pid);
  await until("nothing left of the cluster", ENDED_LIMIT_MS, async () => {
    // What was just being started when the others ended, and databases that notice by themselves.
    for (const { pid } of recordedProcesses(place)) kill(pid);
    return processesOf(place).length === 0 ? true : undefined;
  });
  await start(place, flags);
  return { role: "everything", name: "everything", ms: Math.round(performance.now() - killedAtMs) };
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
