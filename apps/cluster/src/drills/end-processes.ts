/**
 * Ends servers' processes without warning (SIGKILL). Only those count that the data folder's records name with pid and
 * start: whatever else bears such a pid now is left alone.
 */
import { isAlive, kill, readProcessRecord } from "../adapters/supervisor/index.ts";
import { dataLayout } from "../runtime/data-layout.ts";

/** Throws, and ends none, unless every one is recorded and alive. Returns the moment (ms since 1970). */
export function endProcesses(
  data: string,
  servers: readonly { readonly name: string; readonly pid: number }[],
): number {
  const records = servers.map(({ name, pid }) => {
    const record = readProcessRecord(dataLayout(data).run, name);
    if (record?.pid !== pid || !isAlive(record)) throw new Error(`${name}: process ${pid} is not the recorded one`);
    return record;
  });
  const at = Date.now();
  for (const record of records) kill(record);
  return at;
}
