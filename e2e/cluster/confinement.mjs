/**
 * Application code that tries what it may not, on a cluster of its own (e2e/applications/workbench): it gets nothing, each
 * attempt is an event with operation and request, and status says what confines the workers on this machine. Code that is
 * not deterministic or uses threads is executed and verified. Called with `--data <empty folder> --port-base <number> [--json]`.
 */
import { strict as assert } from "node:assert";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { ask, soon } from "../torture/administration.mjs";
import { serversOf, status } from "./cluster.mjs";
import { call, callUntilAnswered } from "./http.mjs";
import { projectRoot, redoubtJson } from "./place.mjs";
import { runSession } from "./session.mjs";

/** @typedef {import("./place.mjs").Place} Place */
/** @typedef {import("./checks.mjs").Checks} Checks */
/** @typedef {import("./http.mjs").Caller} Caller */

const APPLICATION = join(projectRoot, "e2e/applications/workbench");
const THREAD_REQUESTS = 4;
const EVENT_LIMIT_MS = 5_000;
/** Offset of a master's Postgres from the base of the cluster's ports. */
const POSTGRES_OFFSET = 70;

/** @param {Checks} checks @param {Place} place */
async function checkConfinement(checks, place) {
  await checks.check("status says what confines the workers of each execution server", async () => {
    const confined = await soon("all three said", EVENT_LIMIT_MS, async () => {
      const servers = serversOf(await status(place)).filter(({ component }) => component === "execution-server");
      const said = servers.map((/** @type {any} */ { confinement }) => confinement?.sentence);
      return said.length === 3 && said.every((sentence) => typeof sentence === "string") ? said : undefined;
    });
    assert.equal(new Set(confined).size, 1);
    return confined[0];
  });
}

/**
 * @param {Checks} checks
 * @param {Place} place
 * @param {Caller} caller
 * @param {{ operation: string, input?: object, act: string, target: string }} attempt
 */
async function checkAttempt(checks, place, caller, { operation, input = {}, act, target }) {
  await checks.check(`${operation} gets nothing, and is an event with its request`, async () => {
    const name = "record-1";
    const reply = await callUntilAnswered(caller, operation, { name, ...input });
    assert.equal(reply.status, 200, reply.text);
    assert.match(reply.json.outcome, /^nothing: /);
    const answeredAtMs = performance.now();
    const requestId = String(reply.headers["redoubt-request-id"]);
    const event = await soon(`an event about ${requestId}`, EVENT_LIMIT_MS, async () => {
      const { events } = await ask(place, "cluster.events", { limit: 200 });
      return events.find(
        (/** @type {any} */ each) => each.kind === "worker.attempt" && each.requestId === requestId && each.act === act,
      );
    });
    assert.equal(event.operation, operation);
    assert.match(event.server, /^execution-server-\d+$/);
    assert.ok(event.target.includes(target), event.target);
    return `${reply.json.outcome}, event after ${Math.round(performance.now() - answeredAtMs)} ms`;
  });
}

/** @param {Checks} checks @param {Caller} caller */
async function checkInnocent(checks, caller) {
  await checks.check("handlers with Math.random, Date.now and timers verify", async () => {
    const names = Array.from({ length: 40 }, (_, index) => `record-${index + 2}`);
    const replies = await Promise.all(names.map((name) => callUntilAnswered(caller, "random", { name })));
    for (const reply of replies) assert.equal(reply.status, 200, reply.text);
    assert.ok(new Set(replies.map(({ json }) => json.numbers[0])).size > 30);
    return `${replies.length} requests`;
  });
  await checks.check("handlers that compute in threads verify", async () => {
    for (let request = 1; request <= THREAD_REQUESTS; request++) {
      const reply = await callUntilAnswered(caller, "threads", { name: `record-${request}`, count: 3 });
      assert.equal(reply.status, 200, reply.text);
      assert.deepEqual(reply.json.numbers, [1, 4, 9]);
    }
    return `${THREAD_REQUESTS} requests of 3 threads`;
  });
}

await runSession(["--app", APPLICATION], async ({ checks, place, caller }) => {
  const bystander = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(bystander, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (bystander.address());
  const postgres = place.portBase + POSTGRES_OFFSET;
  await checkConfinement(checks, place);
  for (const attempt of [
    { operation: "try-file", act: "read-file", target: "/etc/passwd" },
    { operation: "try-socket", input: { port }, act: "network", target: `:${port}` },
    { operation: "try-spawn", act: "process", target: "/usr/bin/id" },
    { operation: "try-environment", act: "environment", target: "all names" },
    { operation: "try-postgres", input: { port: postgres }, act: "database", target: `:${postgres}` },
  ])
    await checkAttempt(checks, place, caller, attempt);
  bystander.close();
  await checkInnocent(checks, caller);
  await checks.check("redoubt attempts lists them, newest first, and an incident stands for each server", async () => {
    const { value } = await redoubtJson(place, ["attempts"]);
    const acts = value.map((/** @type {any} */ { act }) => act);
    for (const act of ["database", "environment", "process", "network", "read-file"])
      assert.ok(acts.includes(act), act);
    const { value: incidents } = await redoubtJson(place, ["incidents"]);
    const titles = incidents.map((/** @type {any} */ { title }) => title);
    assert.ok(
      titles.some((/** @type {string} */ title) => /tried what it may not/.test(title)),
      titles.join("; "),
    );
    return `${acts.length} attempts`;
  });
  await checks.check("nobody was blocked or quarantined for it", async () => {
    const reply = await call(caller, "random", { name: "record-1" });
    assert.equal(reply.status, 200, reply.text);
    assert.equal((await status(place)).logs.L1, 0);
  });
});
