/** What the kernel counted for a process: nothing in its own memory can hide it. */
import { readFileSync } from "node:fs";

/** Of the times in /proc, in every build of Linux for user programs. */
const TICKS_PER_SECOND = 100;

/** CPU time of a process with all its threads so far, milliseconds; undefined when it is gone or cannot be looked at. */
export function processCpuMs(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}
