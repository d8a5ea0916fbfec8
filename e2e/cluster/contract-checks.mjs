/** What a client may rely on: replies, replays, refusals and problem documents. */
import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import { call, send } from "./http.mjs";

/** @typedef {import("./checks.mjs").Checks} Checks */
/** @typedef {import("./http.mjs").Caller} Caller */

/**
 * @param {import("./http.mjs").Reply} reply
 * @param {number} status
 * @param {string} [field] that the document must name
 */
function assertProblem(reply, status, field) {
  assert.equal(reply.status, status, reply.text);
  assert.match(String(reply.headers["content-type"]), /^application\/problem\+json/);
  assert.equal(typeof reply.json?.type, "string", reply.text);
  assert.equal(reply.json.status, status);
  if (field !== undefined) assert.ok(reply.text.includes(field), `${reply.text} names no ${field}`);
}

/**
 * @param {Checks} checks
 * @param {Caller} caller
 * @returns {Promise<{ requestId: string }>} of the transfer from customer 1 to customer 2
 */
export async function checkContract(checks, caller) {
  const key = randomUUID();
  const transfer = { from: 1, to: 2, amount: 250 };
  let requestId = "";
  let first = "";
  await checks.check("transfer is answered with 200 and a request id", async () => {
    const reply = await call(caller, "transfer", transfer, key);
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(reply.json, { ...transfer, checking: reply.json?.checking });
    requestId = String(reply.headers["redoubt-request-id"]);
    assert.match(requestId, /^[0-9a-f]{64}$/);
    assert.equal(reply.headers["idempotent-replayed"], undefined);
    first = reply.text;
  });
  await checks.check("the same key is answered byte for byte the same, marked as replayed", async () => {
    const reply = await call(caller, "transfer", transfer, key);
    assert.equal(reply.status, 200, reply.text);
    assert.equal(reply.text, first);
    assert.equal(reply.headers["idempotent-replayed"], "true");
  });
  await checks.check("the same key with another body is refused with 422", async () =>
    assertProblem(await call(caller, "transfer", { ...transfer, amount: 251 }, key), 422),
  );
  await checkMalformed(checks, caller);
  await checkRefusals(checks, caller);
  return { requestId };
}

/**
 * @param {Checks} checks
 * @param {Caller} caller
 */
async function checkMalformed(checks, caller) {
  await checks.check("a body that is no JSON is a problem document with 400", async () =>
    assertProblem(await send(caller, "/v1/operations/transfer", { body: '{"from":1,' }), 400),
  );
  await checks.check("a wrong type is a problem document with 400 that names the field", async () =>
    assertProblem(await call(caller, "transfer", { from: 1, to: 2, amount: "much" }), 400, "amount"),
  );
  await checks.check("a missing field is a problem document with 400 that names it", async () =>
    assertProblem(await call(caller, "transfer", { from: 1, amount: 1 }), 400, "to"),
  );
  await checks.check("an unknown operation is a problem document with 404", async () =>
    assertProblem(await call(caller, "no-such-operation", {}), 404),
  );
  await checks.check("a wrong client key is a problem document with 401", async () =>
    assertProblem(await call({ ...caller, key: "wrong" }, "balance", { customer: 1 }), 401),
  );
}

/**
 * @param {Checks} checks
 * @param {Caller} caller
 */
async function checkRefusals(checks, caller) {
  await checks.check(
    "too little money is a problem document with 422, told apart from a reused key by its type",
    async () => {
      const reply = await call(caller, "transfer", { from: 3, to: 4, amount: 99_999_999 });
      assertProblem(reply, 422);
      assert.match(reply.json.type, /insufficient-funds/);
    },
  );
  await checks.check("a transfer to the same account is refused with 422", async () =>
    assertProblem(await call(caller, "transfer", { from: 3, to: 3, amount: 1 }), 422),
  );
  await checks.check("a balance has exactly customer, checking and savings", async () => {
    const reply = await call(caller, "balance", { customer: 5 });
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(reply.json, { customer: 5, checking: 100_000, savings: 100_000 });
  });
}
