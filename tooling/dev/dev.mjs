/**
 * `npm run dev`: a cluster of its own with the bank, and a client that keeps it busy with small transfers, until Ctrl-C.
 * For looking at the console with something going on in it; nothing is kept.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { redoubt, startCluster } from "../setup/redoubt.mjs";

const startLimitMs = 10 * 60_000;
const stopLimitMs = 60_000;
const pauseMs = 200;
const customers = 1000;

/** @returns {number} a customer's number */
function anyCustomer() {
  return 1 + Math.floor(Math.random() * customers);
}

/**
 * @param {import("../setup/redoubt.mjs").Started["client"]} client
 * @param {AbortSignal} signal
 */
async function sendOne(client, signal) {
  const from = anyCustomer();
  const response = await fetch(new URL("/v1/operations/transfer", client.url), {
    method: "POST",
    headers: { authorization: `Bearer ${client.key}`, "content-type": "application/json" },
    body: JSON.stringify({ from, to: (from % customers) + 1, amount: 1 + Math.floor(Math.random() * 100) }),
    signal,
  });
  await response.text();
  return response.status;
}

const { values } = parseArgs({
  options: { data: { type: "string" }, "port-base": { type: "string" }, json: { type: "boolean" } },
});
const place = ["--data", values.data ?? ""];
const stop = new AbortController();
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => stop.abort());

/** @type {Record<string, number>} answers by status */
const answers = {};
try {
  const started = await startCluster([...place, "--port-base", values["port-base"] ?? ""], startLimitMs);
  process.stderr.write(`console ${started.console.url} (${started.console.email}, ${started.console.password})\n`);
  process.stderr.write("a demo client sends transfers; Ctrl-C ends everything\n");
  while (!stop.signal.aborted) {
    const status = await sendOne(started.client, stop.signal).catch(() => "no answer");
    answers[status] = (answers[status] ?? 0) + 1;
    await delay(pauseMs, undefined, { signal: stop.signal }).catch(() => undefined);
  }
} finally {
  await redoubt(["down", ...place], stopLimitMs);
}
if (values.json) process.stdout.write(`${JSON.stringify({ answers })}\n`);
