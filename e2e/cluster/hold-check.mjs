/**
 * Requests that are held for a person (DESIGN §5, ADR 0021): 202 to their sender, nothing of them runs, and they are still
 * held when the regulator was ended. A released one runs once; one that is confirmed, one that fails again and one whose
 * time is over are rejected for good. Others are served all the while.
 */
import { strict as assert } from "node:assert";
import { Bystanders } from "./bystanders.mjs";
import { killAndAwaitReplacement } from "./cluster.mjs";
import { callUntilAnswered, send } from "./http.mjs";
import { redoubt, redoubtJson, until } from "./place.mjs";
import { newCaller } from "./poison-check.mjs";
import { decideQuarantined, newestEvents, quarantined, screening, showRequest } from "./scenes.mjs";

/** @typedef {import("./place.mjs").Place} Place */
/** @typedef {import("./http.mjs").Caller} Caller */
/** @typedef {{ requestId: string, client: string, state: string, heldUntil?: string }} Listed */
/** @typedef {{ owner: Caller, client: string, operation: string, counter: number, key: string, reply: import("./http.mjs").Reply, requestId: string }} Held */

/** Of `add-unless-empty` in the contract. */
const HOLD_MS = 600_000;
const SHORT_HOLD_MS = 4_000;
const ATTEMPTS_MAX = 3;
const LIMIT_MS = 60_000;
/** How much later than its time a held request may be found rejected: closed by the masters, told to the manager. */
const LATE_MS = 10_000;
const CLOCKS_MS = 50;

/** Counters of their own; no other check of this cluster adds to them. */
const COUNTERS = { released: 381, confirmed: 382, failing: 383, expiring: 384 };
const BYSTANDERS = [391, 392, 393];

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {Place} place
 * @param {Caller} caller
 */
export async function checkHold(checks, place, caller) {
  const bystanders = new Bystanders();
  /** @type {Held} */
  let first;
  /** @type {Held} */
  let second;
  await checks.check("hold: a crafted request gets 202 and its id; its owner alone may ask for it", async () => {
    const owner = await newOwner(place, caller, "held-1", "127.9.0.21");
    const beside = await Promise.all(BYSTANDERS.map((counter) => newCaller(place, caller, `beside-held-${counter}`)));
    for (const [index, client] of beside.entries()) bystanders.start(client, BYSTANDERS[index] ?? 0);
    const startedAt = performance.now();
    first = await sendHeld(owner, "held-1", "add-unless-empty", COUNTERS.released, HOLD_MS);
    const heldAfter = performance.now() - startedAt;
    await checkPrivacy(place, caller, first);
    await checkListed(place, first);
    return `held after ${heldAfter.toFixed(0)} ms`;
  });
  /** @type {Held} */
  let expiring;
  await checks.check("hold: the regulator ended with SIGKILL, and they are held as before", async () => {
    const [owner, other] = await Promise.all([
      newOwner(place, caller, "held-2", "127.9.0.22"),
      newOwner(place, caller, "held-3", "127.9.0.23"),
    ]);
    [second, expiring] = await Promise.all([
      sendHeld(owner, "held-2", "add-unless-empty", COUNTERS.confirmed, HOLD_MS),
      sendHeld(other, "held-3", "add-unless-empty-soon", COUNTERS.expiring, SHORT_HOLD_MS),
    ]);
    const { name, seconds } = await killAndAwaitReplacement(
      place,
      ({ component }) => component === "traffic-regulator",
      LIMIT_MS,
    );
    for (const held of [first, second]) {
      const seen = await lookUp(held.owner, held.requestId);
      assert.deepEqual([seen.status, seen.json], [200, held.reply.json]);
      assert.equal((await lookUp(caller, held.requestId)).status, 404);
      assert.equal(await countOf(caller, held.counter), 0);
    }
    return `${name} back after ${seconds.toFixed(1)} s`;
  });
  await checks.check("hold: what nobody released in time is rejected for good", async () => {
    const { heldUntil } = expiring.reply.json;
    const { state } = await until("it expired", SHORT_HOLD_MS + LATE_MS, async () => {
      const listed = await quarantined(place, expiring.requestId);
      return listed.state === "new" ? undefined : listed;
    });
    assert.equal(state, "expired");
    await checkRejected(expiring);
    const told = (await newestEvents(place)).find(
      ({ kind, requestId }) => kind === "quarantine.changed" && requestId === expiring.requestId,
    );
    const late = Date.parse(told.at) - heldUntil;
    assert.ok(late >= -CLOCKS_MS && late <= LATE_MS, `${late} ms after its time`);
    await refusedDecision(place, expiring.requestId, "release");
    assert.equal(await countOf(caller, expiring.counter), 0);
    return `${late} ms after its time`;
  });
  await checks.check("hold: released twice at the same time, it runs once and its owner has the reply", () =>
    checkReleased(place, caller, first),
  );
  await checks.check("hold: released and failing again, it is rejected for good, as a new case", () =>
    checkFailsAgain(place, caller, first),
  );
  await checks.check("hold: confirmed, it is rejected for good and its sender stays blocked", () =>
    checkConfirmed(place, caller, second),
  );
  await checks.check("hold: bystanders were served all the while, each request once", () => bystanders.end());
}

/**
 * @param {Place} place
 * @param {Caller} caller
 * @param {string} client
 * @param {string} localAddress
 * @returns {Promise<Caller>}
 */
const newOwner = async (place, caller, client, localAddress) => ({
  ...(await newCaller(place, caller, client)),
  localAddress,
});

/**
 * @param {Caller} owner
 * @param {string} client
 * @param {string} operation
 * @param {number} counter
 * @param {number} holdMs
 * @returns {Promise<Held>}
 */
async function sendHeld(owner, client, operation, counter, holdMs) {
  const key = `crafted-${counter}`;
  const askedAt = Date.now();
  const reply = await ask(owner, operation, { counter }, key);
  assert.equal(reply.status, 202, reply.text);
  const requestId = /** @type {string} */ (reply.headers["redoubt-request-id"]);
  assert.equal(reply.headers.location, `/v1/requests/${requestId}`);
  const { heldUntil, ...told } = reply.json;
  assert.deepEqual(told, { requestId, operation, state: "held" });
  assert.ok(heldUntil >= askedAt + holdMs - CLOCKS_MS && heldUntil <= Date.now() + holdMs + CLOCKS_MS, reply.text);
  return { owner, client, operation, counter, key, reply, requestId };
}

/**
 * Told to its owner, whatever its address and as often as it asks; to nobody else, and nothing but that.
 * @param {Place} place
 * @param {Caller} caller
 * @param {Held} held
 */
async function checkPrivacy(place, caller, { owner, operation, counter, key, reply, requestId }) {
  const seen = await lookUp(owner, requestId);
  assert.deepEqual([seen.status, seen.json], [200, reply.json]);
  const stranger = await lookUp(caller, requestId);
  assert.deepEqual([stranger.status, stranger.json.type.split("/").at(-1)], [404, "unknown-request"]);
  const again = await ask(owner, operation, { counter }, key);
  assert.deepEqual([again.status, again.text], [202, reply.text]);
  assert.equal((await ask(owner, "look", { counter })).status, 403, "its sender is blocked meanwhile");
  const history = await until("the evidence", 10_000, async () => {
    const shown = await showRequest(place, requestId);
    return shown.attributions.length > 0 ? shown : undefined;
  });
  assert.equal(history.log, "L1");
  const { guilty, evidence } = history.attributions.at(-1);
  assert.equal(guilty, "request");
  const processes = new Set(evidence.runs.map(({ server, incarnation }) => `${server} ${incarnation}`));
  assert.ok(processes.size === evidence.runs.length && processes.size <= ATTEMPTS_MAX, JSON.stringify(evidence.runs));
}

/**
 * @param {Place} place
 * @param {Held} held
 */
async function checkListed(place, { requestId, reply, client }) {
  const listed = await until("it is listed", 10_000, async () => {
    const { value } = await redoubtJson(place, ["quarantine", "list"]);
    return value.find((/** @type {Listed} */ entry) => entry.requestId === requestId);
  });
  assert.deepEqual([listed.client, listed.state], [client, "new"]);
  assert.equal(Date.parse(listed.heldUntil ?? ""), reply.json.heldUntil);
}

/**
 * @param {Place} place
 * @param {Caller} caller
 * @param {Held} held
 */
async function checkReleased(place, caller, held) {
  const { owner, operation, counter, key, requestId } = held;
  const added = await ask(caller, "add", { counter, amount: 5 });
  assert.equal(added.json.count, 5, "what is held keeps nobody from its object");
  const orders = await Promise.all([decide(place, requestId, "release"), decide(place, requestId, "release")]);
  assert.deepEqual(orders.map(({ code }) => code === 0).sort(), [false, true], "a decision is taken once");
  const releasedAt = performance.now();
  const seen = await until("the outcome", LIMIT_MS, async () => {
    const reply = await lookUp(owner, requestId);
    return reply.json.state === "verified" ? reply : undefined;
  });
  const afterMs = performance.now() - releasedAt;
  const result = { counter, count: 6 };
  assert.deepEqual(seen.json, { requestId, operation, state: "verified", status: 200, body: result });
  const again = await ask(owner, operation, { counter }, key);
  assert.deepEqual([again.status, again.json, again.headers["redoubt-request-id"]], [200, result, requestId]);
  const seenByOwner = await ask(owner, "look", { counter });
  assert.deepEqual([seenByOwner.status, seenByOwner.json], [200, result], "its sender is no longer blocked");
  const { state, heldUntil } = await quarantined(place, requestId);
  assert.deepEqual([state, heldUntil], ["released", null]);
  await refusedDecision(place, requestId, "confirm");
  assert.equal((await lookUp(caller, requestId)).status, 404);
  assert.deepEqual(await consequencesOf(place, held), { blocked: 0, signatures: 0 });
  return `the reply ${afterMs.toFixed(0)} ms after the order`;
}

/**
 * The same client sends another, which nobody has made harmless.
 * @param {Place} place
 * @param {Caller} caller
 * @param {Held} earlier
 */
async function checkFailsAgain(place, caller, { owner, client, operation }) {
  const held = await sendHeld(owner, client, operation, COUNTERS.failing, HOLD_MS);
  await until("it is listed", 10_000, () => quarantined(place, held.requestId));
  assert.equal((await decide(place, held.requestId, "release")).code, 0);
  await checkRejected(held);
  const listed = await until("it is listed anew", 10_000, async () => {
    const now = await quarantined(place, held.requestId);
    return now.state === "new" ? now : undefined;
  });
  assert.deepEqual([listed.heldUntil, listed.onQuarantine], [null, "reject"], "held once only");
  assert.equal((await showRequest(place, held.requestId)).log, "L1");
  const { blocked, signatures } = await consequencesOf(place, held);
  assert.ok(blocked > 0, "blocked again");
  assert.equal(signatures, 1, "learned again");
  assert.equal(await countOf(caller, held.counter), 0);
}

/**
 * @param {Place} place
 * @param {Caller} caller
 * @param {Held} held
 */
async function checkConfirmed(place, caller, held) {
  const { requestId, counter, owner } = held;
  // Harmless by now: whatever ran it would be seen.
  await ask(caller, "add", { counter, amount: 5 });
  assert.equal((await decide(place, requestId, "confirm")).code, 0);
  await checkRejected(held);
  assert.equal((await quarantined(place, requestId)).state, "confirmed");
  await refusedDecision(place, requestId, "release");
  assert.ok((await consequencesOf(place, held)).blocked > 0);
  assert.equal((await ask(owner, "look", { counter })).status, 403);
  assert.equal(await countOf(caller, counter), 5);
}

/**
 * Its owner's question and its repetition are refused, as those of any blocked client are, from when the masters closed it.
 * @param {Held} held
 */
async function checkRejected({ owner, operation, counter, key, requestId }) {
  await until("the definite rejection", LIMIT_MS, async () => {
    const reply = await lookUp(owner, requestId);
    return reply.status === 403 ? true : undefined;
  });
  assert.equal((await ask(owner, operation, { counter }, key)).status, 403);
}

/**
 * @param {Caller} caller
 * @param {string} requestId
 */
const lookUp = (caller, requestId) =>
  until("an answer to who asks", LIMIT_MS, async () => {
    const reply = await send(caller, `/v1/requests/${requestId}`, { method: "GET" });
    return reply.status < 500 ? reply : undefined;
  });

/**
 * @param {Caller} caller
 * @param {string} operation
 * @param {unknown} input
 * @param {string} [idempotencyKey]
 */
const ask = (caller, operation, input, idempotencyKey) =>
  callUntilAnswered(caller, operation, input, {
    deadlineMs: LIMIT_MS,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });

/**
 * @param {Caller} caller
 * @param {number} counter
 */
const countOf = async (caller, counter) => (await ask(caller, "look", { counter })).json.count;

/**
 * As an administrator does it at the command line.
 * @param {Place} place
 * @param {string} requestId
 * @param {"release" | "confirm"} decision
 */
const decide = (place, requestId, decision) =>
  redoubt(["quarantine", decision, requestId, "--reason", "looked at it", "--data", place.data, "--json"], 30_000);

/**
 * @param {Place} place
 * @param {string} requestId
 * @param {"release" | "confirm"} decision
 */
async function refusedDecision(place, requestId, decision) {
  await assert.rejects(decideQuarantined(place, requestId, decision), /a decision is taken once|Its time was over/);
}

/**
 * @param {Place} place
 * @param {Held} held
 * @returns {Promise<{ blocked: number, signatures: number }>} how many blocks of its sender and signatures of it stand
 */
async function consequencesOf(place, { client, owner, requestId }) {
  const { hosts, signatures } = await screening(place);
  return {
    blocked: hosts.filter((block) => block.client === client || block.host === owner.localAddress).length,
    signatures: signatures.filter((signature) => signature.requestId === requestId).length,
  };
}
