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

  "end-worker"(_transaction, _input, _context): Promise<{ counter: number; count: number }> {
    process.kill(process.pid, "SIGKILL");
    return new Promise(() => {});
  },

  "end-server": (transaction, { counter }) => increase(transaction, counter, 1),

  flood: (transaction, { counter }) => increase(transaction, counter, 1),

  "check-slowly": (transaction, { counter }) => increase(transaction, counter, 1),

  hang: () => new Promise(() => {}),
});

async function increase(
  transaction: Transaction<Frail>,
  counter: number,
  amount: number,
): Promise<{ counter: number; count: number }> {
  const value = await transaction.get(`counter/${counter}`);
  const count = (value?.count ?? 0) + amount;
  transaction.set(`counter/${counter}`, { count });
  return { counter, count };
}
