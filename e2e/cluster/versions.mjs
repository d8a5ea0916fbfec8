/**
 * Versions of the application under load: a wrong acceptance test is deployed as a new one, the breaker trips, nobody stays
 * blocked and nothing stays learned, one step leads back, other operations notice nothing; then a right version with another
 * schema of its objects is rolled forward, back and forward again. Called with `--data <empty folder> --port-base <number> [--json]`.
 */
import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { ask, soon } from "../torture/administration.mjs";
import { ApplicationFolders, WITH_UPGRADE, WRONG_TEST } from "./application-folders.mjs";
import { assertAnswered, deposited, Load, sumOfBalances } from "./bank.mjs";
import { call, callUntilAnswered } from "./http.mjs";
import { redoubtJson } from "./place.mjs";
import { runSession } from "./session.mjs";

/** @typedef {import("./place.mjs").Place} Place */
/** @typedef {import("./checks.mjs").Checks} Checks */
/** @typedef {import("./http.mjs").Caller} Caller */

const NAMES = ["ann", "ben", "cat", "dan"];
const LOADED = { first: 801, last: 840 };
const TRIP_LIMIT_MS = 45_000;
const DEPLOY_LIMIT_MS = 60_000;
const RATE = 15;

/** @param {Place} place @param {string[]} words */
const app = async (place, words) => (await redoubtJson(place, ["app", ...words], { limitMs: DEPLOY_LIMIT_MS })).value;

/** @param {Place} place @param {Caller} caller */
async function addClients(place, caller) {
  /** @type {Caller[]} */
  const clients = [];
  for (const [index, name] of NAMES.entries()) {
    const { value } = await redoubtJson(place, ["client", "add", name]);
    clients.push({ ...caller, key: value.key, localAddress: `127.9.0.${31 + index}` });
  }
  return clients;
}

/** @param {number} index @param {number} amount */
const transferOf = (index, amount) => ({ from: 901 + index, to: 951 + index, amount });

/** @typedef {{ client: Caller, index: number, amount: number, key: string }} Asked */

/**
 * A transfer with a key of its own, asked once.
 * @param {Asked} asked
 */
const transfer = ({ client, index, amount, key }) => call(client, "transfer", transferOf(index, amount), key);

/**
 * @param {Place} place
 * @param {Caller[]} clients
 * @param {string} folder
 * @param {string} first hash of the version before
 * @param {Asked[]} undone what was asked and not carried out
 */
async function tripBreaker(place, clients, folder, first, undone) {
  const deployed = await app(place, ["deploy", folder]);
  assert.equal(deployed.state, "current");
  const startedAt = performance.now();
  const answers = clients.map(async (client, index) => {
    const asked = { client, index, amount: 2, key: randomUUID() };
    const reply = await transfer(asked).catch(() => undefined);
    if (reply?.status !== 403) undone.push(asked);
    return reply?.status ?? 0;
  });
  const breaker = await soon("the breaker trips", TRIP_LIMIT_MS, async () => {
    const { breakers } = await app(place, ["versions"]);
    return breakers.find((/** @type {any} */ { state }) => state === "open");
  });
  const ms = Math.round(performance.now() - startedAt);
  const circuit = [breaker.operation, breaker.check, breaker.applicationVersion];
  assert.deepEqual(circuit, ["transfer", "amount-moved", deployed.hash]);
  const statuses = await Promise.all(answers);
  const [incident] = await soon("its incident", 5_000, async () => {
    const open = await ask(place, "incidents.list", { limit: 50, openOnly: true });
    const found = open.filter((/** @type {any} */ { title }) => title.startsWith("Acceptance test suspect"));
    return found.length > 0 ? found : undefined;
  });
  const text = JSON.stringify(incident.timeline);
  assert.match(text, new RegExp(`redoubt app rollback .to version ${first.slice(0, 12)}`));
  return `tripped after ${ms} ms; answers ${statuses.join(", ")}`;
}

/**
 * @param {Place} place
 * @param {Caller[]} clients
 */
async function assertNobodyHarmed(place, clients) {
  await soon("blocks and signatures taken back", 5_000, async () => {
    assert.deepEqual(await ask(place, "hosts.list", {}), []);
    assert.deepEqual(await ask(place, "signatures.list", {}), []);
    return true;
  });
  for (const [index, client] of clients.entries()) {
    const input = { customer: 901 + index, account: "checking", amount: 1 };
    const { status } = await callUntilAnswered(client, "deposit", input);
    assert.equal(status, 200, `deposit of ${NAMES[index]}`);
  }
}

/**
 * What waits for the restored version is done under its old key; what had ended before the breaker tripped says so, and is done
 * under a new one.
 * @param {Asked[]} undone
 */
async function assertDone(undone) {
  let anew = 0;
  for (const asked of undone) {
    const reply = await soon(`the answer to ${NAMES[asked.index]}`, 30_000, async () => {
      const { status, text } = await transfer(asked);
      return status === 200 || status === 403 || text.includes("another one may be used")
        ? { status, text }
        : undefined;
    });
    if (reply.status === 200) continue;
    anew++;
    const again = { ...asked, key: randomUUID() };
    await soon("the same under another key", 30_000, async () =>
      (await transfer(again)).status === 200 ? true : undefined,
    );
  }
  return `${undone.length - anew} done under their old keys, ${anew} under new ones`;
}

/**
 * @param {Checks} checks
 * @param {Place} place
 * @param {Caller} caller
 * @param {string} folder
 */
async function checkWrongTest(checks, place, caller, folder) {
  const clients = await addClients(place, caller);
  for (const [index, client] of clients.entries())
    assert.equal((await callUntilAnswered(client, "transfer", transferOf(index, 1))).status, 200);
  const before = await sumOfBalances(caller, LOADED.first, LOADED.last);
  const load = new Load(caller, { ...LOADED, ratePerSecond: RATE, depositsOnly: true });
  const first = (await app(place, ["versions"])).current;
  /** @type {Asked[]} */
  const undone = [];
  await load.answers(RATE);
  await checks.check("a wrong acceptance test as a new version: the breaker trips and says the step back", () =>
    tripBreaker(place, clients, folder, first, undone),
  );
  await checks.check("nobody stays blocked, nothing stays learned", () => assertNobodyHarmed(place, clients));
  await checks.check("while it is tripped another request of the operation gets 503 and costs no server", async () => {
    const discarded = await discards(place);
    const asked = { client: /** @type {Caller} */ (clients[3]), index: 3, amount: 3, key: randomUUID() };
    const { status, text } = await transfer(asked);
    assert.equal(status, 503, text);
    assert.match(text, /problems\/withheld/);
    undone.push(asked);
    assert.equal(await discards(place), discarded);
  });
  await checks.check("one step back: transfers pass again, and nothing that was asked is lost", async () => {
    const startedAt = performance.now();
    const restored = await app(place, ["rollback"]);
    const ms = Math.round(performance.now() - startedAt);
    assert.equal(restored.hash, first);
    for (const [index, client] of clients.entries()) {
      const { status, text } = await callUntilAnswered(client, "transfer", transferOf(index, 4));
      assert.equal(status, 200, text);
    }
    return `${ms} ms; ${await assertDone(undone)}`;
  });
  await checks.check("other operations were unaffected: every deposit answered, none lost or doubled", async () => {
    const asked = await load.finish();
    assertAnswered(asked);
    const after = await sumOfBalances(caller, LOADED.first, LOADED.last);
    assert.equal(after - before, deposited(asked));
    const repeated = asked.filter(({ reply }) => (reply?.attempts ?? 1) > 1).length;
    return `${asked.length} deposits, ${repeated} answered when they were repeated`;
  });
}

/** @param {Place} place */
const discards = async (place) =>
  (await ask(place, "cluster.events", { limit: 500 })).events.filter(
    (/** @type {any} */ { kind, verdict }) => kind === "server.discarded" && verdict === "suspected",
  ).length;

/**
 * @param {Checks} checks
 * @param {Place} place
 * @param {Caller} caller
 * @param {string} folder
 */
async function checkUpgrade(checks, place, caller, folder) {
  const before = await sumOfBalances(caller, LOADED.first, LOADED.last);
  const first = (await app(place, ["versions"])).current;
  await checks.check("a version with another schema is rolled forward, back and forward again under load", async () => {
    const load = new Load(caller, { ...LOADED, ratePerSecond: RATE });
    await load.answers(RATE);
    const check = await app(place, ["check", folder]);
    assert.deepEqual(check.problems, []);
    assert.match(check.rollback.sentence, /account\/bookings/);
    const times = [];
    for (const step of ["forward", "back", "forward"]) {
      const startedAt = performance.now();
      const { hash } = step === "back" ? await app(place, ["rollback"]) : await app(place, ["deploy", folder]);
      times.push(`${step} ${Math.round(performance.now() - startedAt)} ms`);
      assert.equal(hash === first, step === "back");
      await load.answers(2 * RATE);
    }
    const asked = await load.finish();
    assertAnswered(asked);
    const after = await sumOfBalances(caller, LOADED.first, LOADED.last);
    assert.equal(after - before, deposited(asked));
    return `${asked.length} requests, none failed, lost or doubled; ${times.join(", ")}`;
  });
  await checks.check("who chose which version is in the audit log", async () => {
    const { entries } = await ask(place, "audit.list", { limit: 50 });
    const actions = entries.map((/** @type {any} */ { action }) => action);
    assert.equal(actions.filter((/** @type {string} */ action) => action === "applications.deploy").length, 3);
    assert.equal(actions.filter((/** @type {string} */ action) => action === "applications.rollback").length, 2);
    const { current, versions } = await app(place, ["versions"]);
    assert.notEqual(current, first);
    assert.equal(versions.length, 3);
  });
}

const folders = new ApplicationFolders();
try {
  const wrong = folders.make(2, WRONG_TEST);
  const upgraded = folders.make(3, WITH_UPGRADE);
  await runSession([], async ({ checks, place, caller }) => {
    await checkWrongTest(checks, place, caller, wrong);
    await checkUpgrade(checks, place, caller, upgraded);
  });
} finally {
  folders.remove();
}
