/** Handlers that end or hang their worker process when they are asked to. */
import type { Transaction } from "@redoubt/application";
import { defineExecution } from "@redoubt/application";
import type contract from "./contract.ts";

type Frail = typeof contract;

export default defineExecution<Frail>({
  add: (transaction, { counter, amount }) => increase(transaction, counter, amount),

  async look(transaction, { counter }) {
    return { counter, count: (await transaction.get(`counter/${counter}`))?.count ?? 0 };
  },

  async "end-worker"() {
    return endWorker();
  },

  "end-server": (transaction, { counter }) => increase(transaction, counter, 1),

  flood: (transaction, { counter }) => increase(transaction, counter, 1),

  "check-slowly": (transaction, { counter }) => increase(transaction, counter, 1),

  "add-unless-empty": (transaction, { counter }) => increaseUnlessEmpty(transaction, counter),

  "add-unless-empty-soon": (transaction, { counter }) => increaseUnlessEmpty(transaction, counter),

  hang: () => new Promise(() => {}),
});

interface Counted {
  counter: number;
  count: number;
}

/** As a fault in native code does. A signal that a worker sends itself may have no effect: it is the first process of its namespace. */
function endWorker(): never {
  process.abort();
}

async function increaseUnlessEmpty(transaction: Transaction<Frail>, counter: number): Promise<Counted> {
  const value = await transaction.get(`counter/${counter}`);
  return (value?.count ?? 0) === 0 ? endWorker() : increase(transaction, counter, 1);
}

async function increase(transaction: Transaction<Frail>, counter: number, amount: number): Promise<Counted> {
  const value = await transaction.get(`counter/${counter}`);
  const count = (value?.count ?? 0) + amount;
  transaction.set(`counter/${counter}`, { count });
  return { counter, count };
}
