/**
 * When a compromised process misbehaved, in its own words: a file of one line per act that the drill reads. Only with it can
 * a delay be counted from the first act; whether anything was detected is judged from the manager's events alone.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ACTS_MAX = 2_000;

export interface Act {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Name of the behaviour. */
  readonly id: string;
}

const fileOf = (data: string, server: string): string => join(data, "drills", `${server}.jsonl`);

/** Begins an empty list; the function adds an act. */
export function openActs(data: string, server: string): (id: string) => void {
  const file = fileOf(data, server);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, "", { mode: 0o600 });
  let count = 0;
  return (id) => {
    if (++count <= ACTS_MAX) appendFileSync(file, `${JSON.stringify({ at: Date.now(), id } satisfies Act)}\n`);
  };
}

/** Oldest first. */
export function readActs(data: string, server: string): Act[] {
  const file = fileOf(data, server);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line.endsWith("}")).map((line) => JSON.parse(line) as Act);
}
