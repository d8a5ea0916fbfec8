/** Finds a running cluster from its data folder: where managers are, and the token that this machine's administrator may use. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setInterval } from "node:timers/promises";
import { z } from "zod";
import { CommandFailure } from "./failure.ts";

const endpointsSchema = z.object({
  administration: z.array(z.object({ server: z.string(), url: z.string(), primary: z.boolean() })).min(1),
});

export interface Access {
  readonly data: string;
  /** Of the manager's primary. */
  readonly url: string;
  readonly token: string;
}

export function findCluster(folder: string): Access {
  const data = resolve(folder);
  const endpoints = join(data, "run", "endpoints.json");
  if (!existsSync(endpoints)) {
    throw new CommandFailure(
      `no cluster has run on ${data}; start one with: redoubt up --data ${folder}, or name its folder with --data`,
    );
  }
  const { administration } = endpointsSchema.parse(JSON.parse(readFileSync(endpoints, "utf8")));
  const manager = administration.find((entry) => entry.primary) ?? administration[0];
  const token = join(data, "secrets", "admin-token");
  if (!manager || !existsSync(token)) throw new CommandFailure(`${data} holds no administration token`);
  return { data, url: manager.url, token: readFileSync(token, "utf8").trim() };
}

const LOOK_PERIOD_MS = 500;

/**
 * Looks at a running cluster's folder until the signal is aborted: true when the cluster was stopped meanwhile, or the folder
 * is gone. Every stop and every start leaves the `ending` mark there for longer than a look's period.
 */
export async function isStoppedElsewhere(folder: string, signal: AbortSignal): Promise<boolean> {
  const run = join(resolve(folder), "run");
  try {
    for await (const _ of setInterval(LOOK_PERIOD_MS, undefined, { signal })) {
      if (!existsSync(run) || existsSync(join(run, "ending"))) return true;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return false;
}
