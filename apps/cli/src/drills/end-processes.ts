/**
 * Ends processes of a cluster without warning (SIGKILL). Only those count that the data folder's records name with pid
 * and start: whatever else bears such a pid now is left alone.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CommandFailure } from "../failure.ts";

const recordSchema = z.object({ name: z.string(), pid: z.int().positive(), startTicks: z.number() });

/** Throws, and ends none, unless every one is recorded and alive. Returns the moment (ms since 1970). */
export function endProcesses(
  data: string,
  servers: readonly { readonly name: string; readonly pid: number }[],
): number {
  for (const server of servers) {
    const record = recordSchema.parse(JSON.parse(readFileSync(join(data, "run", `${server.name}.json`), "utf8")));
    if (record.pid !== server.pid || !startedThen(record)) {
      throw new CommandFailure(`${server.name}: process ${server.pid} is not the recorded one; look again`);
    }
  }
  const at = Date.now();
  for (const { pid } of servers) process.kill(pid, "SIGKILL");
  return at;
}

/** Field 22 of /proc/<pid>/stat; where there is no /proc the manager's word must do. */
function startedThen({ pid, startTicks }: { readonly pid: number; readonly startTicks: number }): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return process.platform !== "linux";
  }
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) === startTicks;
}
