/** A crafted request by a second client: rejected, without effect, in L1, its sender and its address blocked. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { balance } from "./bank.mjs";
import { call, send } from "./http.mjs";
import { projectRoot, redoubtJson, until } from "./place.mjs";

const ATTACKER_ADDRESS = "127.9.0.7";
const CUSTOMERS = [1, 2, 7, 8, 11];
const REJECTION_LIMIT_MS = 20_000;

/**
 * @param {import("./checks.mjs").Checks} checks
 * @param {import("./place.mjs").Place} place
 * @param {import("./http.mjs").Caller} caller the first client
 */
export async function checkAttack(checks, place, caller) {
  const balances = () => Promise.all(CUSTOMERS.map((customer) => balance(caller, customer)));
  let before;
  let attacker;
  await checks.check("a crafted import-statement by a second client is rejected with 403", async () => {
    before = await balances();
    const { value } = await redoubtJson(place, ["client", "add", "mallory"]);
    attacker = { url: caller.url, key: value.key, localAddress: ATTACKER_ADDRESS };
    // The body as it stands: parsing it here would lose the very field that makes it an attack.
    const body = readFileSync(`${projectRoot}examples/bank/attacks/import-statement.json`, "utf8");
    const reply = await until("an answer other than 401", REJECTION_LIMIT_MS, async () => {
      const answer = await send(attacker, "/v1/operations/import-statement", { body, limitMs: REJECTION_LIMIT_MS });
      return answer.status === 401 ? undefined : answer;
    });
    assert.equal(reply.status, 403, reply.text);
  });
  await checks.check("no balance has changed", async () => assert.deepEqual(await balances(), before));
  await checks.check("the request is in L1 with the failed check named", async () => {
    const entry = await until("an entry in L1", 5_000, async () => {
      const { value } = await redoubtJson(place, ["quarantine", "list"]);
      return value.find(({ operation, client }) => operation === "import-statement" && client === "mallory");
    });
    assert.deepEqual(Object.keys(entry).sort(), [
      "at",
      "check",
      "client",
      "host",
      "operation",
      "reason",
      "requestId",
      "state",
    ]);
    assert.equal(entry.host, ATTACKER_ADDRESS);
    assert.match(entry.requestId, /^[0-9a-f]{64}$/);
    assert.notEqual(entry.check, "");
    return `${entry.reason}: ${entry.check}`;
  });
  await checks.check("the client that sent it is blocked from every address", async () => {
    const reply = await call({ ...attacker, localAddress: "127.9.0.8" }, "balance", { customer: 7 });
    assert.equal(reply.status, 403, reply.text);
  });
  await checks.check("the address it came from is blocked for every client", async () => {
    const reply = await call({ ...caller, localAddress: ATTACKER_ADDRESS }, "balance", { customer: 7 });
    assert.equal(reply.status, 403, reply.text);
  });
  await checks.check("the first client is served from another address", async () => {
    const reply = await call({ ...caller, localAddress: "127.9.0.9" }, "balance", { customer: 7 });
    assert.equal(reply.status, 200, reply.text);
  });
}
