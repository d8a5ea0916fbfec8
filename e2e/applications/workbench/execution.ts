/** What a captured application might do first, and what an innocent one may do. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { defineExecution, type Transaction } from "@redoubt/application";
import type contract from "./contract.ts";

type Tx = Transaction<typeof contract>;

/** Runs in each thread. */
const SQUARE = `
const { parentPort, workerData } = require("node:worker_threads");
parentPort.postMessage(workerData * workerData);`;

async function note(transaction: Tx, name: string, outcome: string): Promise<{ name: string; outcome: string }> {
  transaction.set(`record/${name}`, { outcome, numbers: [], count: 0 });
  return { name, outcome };
}

const codeOf = (error: unknown): string => String((error as { code?: unknown }).code ?? error);

function outcomeOf(work: () => unknown): string {
  try {
    return `got ${String(work()).slice(0, 100)}`;
  } catch (error) {
    return `nothing: ${codeOf(error)}`;
  }
}

const reach = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve("got a connection");
    });
    socket.once("error", (error) => resolve(`nothing: ${codeOf(error)}`));
  });

const inThread = (value: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(SQUARE, { eval: true, workerData: value });
    thread.once("message", resolve);
    thread.once("error", reject);
  });

/** A fixed amount of computation: so many steps of a generator, whatever the time they take. */
function compute(units: number): number {
  let value = 1;
  for (let step = 0; step < units; step++) value = (Math.imul(value, 1_664_525) + 1_013_904_223) | 0;
  return value;
}

export default defineExecution<typeof contract>({
  "try-file": (transaction, { name }) =>
    note(
      transaction,
      name,
      outcomeOf(() => readFileSync("/etc/passwd", "utf8")),
    ),
  "try-socket": async (transaction, { name, port }) => note(transaction, name, await reach(port)),
  "try-spawn": (transaction, { name }) =>
    note(
      transaction,
      name,
      outcomeOf(() => spawnSync("/usr/bin/id").stdout),
    ),
  "try-environment": (transaction, { name }) => {
    const names = Object.keys(process.env);
    return note(transaction, name, names.length === 0 ? "nothing: no names" : `got ${names.join(" ").slice(0, 100)}`);
  },
  "try-postgres": async (transaction, { name, port }) => note(transaction, name, await reach(port)),
  async random(transaction, { name }) {
    await pause(Math.ceil(Math.random() * 5));
    const numbers = [Math.random(), Date.now()];
    transaction.set(`record/${name}`, { outcome: "", numbers, count: 0 });
    return { name, numbers };
  },
  async threads(transaction, { name, count }) {
    const numbers = await Promise.all(Array.from({ length: count }, (_, index) => inThread(index + 1)));
    transaction.set(`record/${name}`, { outcome: "", numbers, count: 0 });
    return { name, numbers };
  },
  async work(transaction, { name, units }) {
    const before = await transaction.get(`record/${name}`);
    // Its result is used, so that no compiler leaves the computation out.
    const outcome = String(compute(units));
    const count = (before?.count ?? 0) + 1;
    transaction.set(`record/${name}`, { outcome, numbers: [], count });
    return { name, count };
  },
});
