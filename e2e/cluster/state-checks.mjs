/** What the `redoubt` command shows of the cluster: status, versions, metadata of the masters. */
import { strict as assert } from "node:assert";
import { isAlive, serversOf, shortOf, status } from "./cluster.mjs";
import { redoubtJson, until } from "./place.mjs";

const COMPONENTS = [
  "traffic-regulator",
  "execution-server",
  "acceptance-test-server",
  "state-replica",
  "state-master",
  "configuration-manager",
];

/** @param {object} value @param {string[]} keys */
const assertKeys = (value, keys) => assert.deepEqual(Object.keys(value).sort(), [...keys].sort());

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {"optimized" | "basic"} profile
 */
export async function checkStatus(checks, place, profile) {
  await checks.check("status shows every component, each server as a process of its own", async () => {
    const state = await until("live = wanted everywhere", 10_000, async () => {
      const seen = await status(place);
      return shortOf(seen).length === 0 ? seen : undefined;
    });
    assertKeys(state, ["cluster", "nodes", "degrees", "logs", "processes"]);
    assertKeys(state.cluster, ["name", "profile", "startedAt"]);
    assert.equal(state.cluster.profile, profile);
    for (const node of state.nodes) assertKeys(node, ["name", "address", "pid", "state", "slots", "servers"]);
    assertKeys(state.logs, ["L1", "L2", "L3"]);
    const servers = serversOf(state);
    const expected = ["name", "component", "pid", "state", "role", "since"];
    for (const server of servers) {
      assertKeys(server, [
        ...expected,
        ...["hosts", "transfer", "confinement"].filter((key) => server[key] !== undefined),
      ]);
      assert.match(server.name, new RegExp(`^${server.component}-\\d+$`));
      if (server.component === "execution-server") assert.match(server.confinement.sentence, /permission model/);
      if (profile === "optimized" && server.component === "state-replica")
        assert.deepEqual(server.hosts, ["acceptance-test-server"]);
    }
    assert.deepEqual(Object.keys(state.degrees).sort(), [...COMPONENTS].sort());
    for (const degree of Object.values(state.degrees))
      assertKeys(degree, ["wanted", "live", "quorum", "faultsToleratedNow", "faultsToleratedByDesign"]);
    const pids = [...servers.map(({ pid }) => pid), ...state.nodes.map(({ pid }) => pid)];
    assert.equal(new Set(pids).size, pids.length, "pids are distinct");
    const listed = state.processes.map(({ pid }) => pid);
    assert.equal(new Set(listed).size, listed.length, "pids of processes are distinct");
    for (const pid of pids) assert.ok(listed.includes(pid), `pid ${pid} is among the processes`);
    for (const { name, pid } of state.processes) assert.ok(isAlive(pid), `${name} (pid ${pid}) lives`);
    return `${servers.length} servers, ${listed.length} processes`;
  });
}

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {string} requestId of a transfer from customer 1
 */
export async function checkVersions(checks, place, requestId) {
  await checks.check("the transfer's version is verified, with equal C1 from three replicas", async () => {
    const version = await until("a verified version of that request", 10_000, async () => {
      const { value } = await redoubtJson(place, ["state", "show", "account/1"]);
      assert.equal(value.object, "account/1");
      const numbers = value.versions.map(({ number }) => number);
      assert.deepEqual(
        numbers,
        [...numbers].sort((left, right) => left - right),
      );
      return value.versions.find((each) => each.requestId === requestId && each.status === "verified");
    });
    assertKeys(version, [
      ...["number", "epoch", "parent", "status", "c1", "c2"],
      ...["requestId", "executionServer", "testers", "replicas", "at", "attempt", "slot", "changeDigest"],
    ]);
    for (const hash of [version.c1, version.c2]) assert.match(hash, /^[0-9a-f]{64}$/);
    assert.match(version.at, /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.equal(new Set(version.replicas.map(({ server }) => server)).size, 3);
    for (const { server, c1 } of version.replicas) assert.equal(c1, version.c1, server);
    return `version ${version.number} by ${version.executionServer}`;
  });
}

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {string} when
 */
export async function checkMasters(checks, place, when) {
  await checks.check(`each master's own Postgres holds the same metadata ${when}`, async () => {
    const comparison = await until("equal metadata", 10_000, async () => {
      const { value } = await redoubtJson(place, ["masters", "compare"], { mayFail: true });
      if (!value.equal) throw new Error(value.differences.join("; "));
      return value;
    });
    assert.equal(comparison.masters.length, 3);
    assert.ok(comparison.masters.every(({ reachable }) => reachable));
    assert.equal(new Set(comparison.masters.map(({ digest }) => digest)).size, 1);
    return `slot ${comparison.masters[0].appliedSlot}`;
  });
}
