/** Where the configuration manager's primary is, asked for every request: fail-over changes the file, nothing is remembered here. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { environment } from "../env";

const schema = z.object({
  administration: z.array(z.object({ server: z.string(), url: z.url({ protocol: /^https?$/ }), primary: z.boolean() })),
});

/** Base URL of the manager's primary; null when the file names none (start-up, fail-over). */
export async function managerUrl(): Promise<string | null> {
  try {
    const endpoints = schema.parse(JSON.parse(await readFile(environment().REDOUBT_ENDPOINTS, "utf8")));
    return endpoints.administration.find(({ primary }) => primary)?.url.replace(/\/$/, "") ?? null;
  } catch {
    return null;
  }
}
