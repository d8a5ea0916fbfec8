/** The internal request that creates the first objects: no application code, so no worker. */
import { finish } from "./commit.ts";
import type { Engine, Execution, Turn } from "./engine.ts";

/** Writes the first value of every declared object that does not exist. Its reply is `GENESIS_REPLY`. */
export function finishGenesis(engine: Engine, turn: Turn, execution: Execution): void {
  const writes: { object: string; value: string }[] = [];
  for (const object of execution.objects) {
    const value = engine.applications.of(execution.ticket.body.applicationVersion)?.genesisValue(object);
    if (value !== undefined && !execution.snapshot.get(object)) writes.push({ object, value });
  }
  finish(engine, turn, execution, { reply: { status: 200, body: "null" }, reads: execution.objects, writes });
}
