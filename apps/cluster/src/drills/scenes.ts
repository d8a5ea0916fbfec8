/**
 * Scenes: every execution server runs an entry file that has a hole or is captured, and so does each process that replaces
 * one, for as long as the scene is held. Nothing is judged here; the test that ordered the scene does that from outside.
 */
import { type ManagerChannel, serversOf, until } from "./channel.ts";

export interface Scene {
  readonly name: string;
  readonly title: string;
  /** Below `dist`. */
  readonly entry: string;
}

export const SCENES: readonly Scene[] = [
  { name: "S1", title: "one request ends every execution server it meets", entry: "drills/frail-shell.js" },
  { name: "S2", title: "every execution server harms the requests of one client", entry: "drills/aimed.js" },
];

const REPLACED_LIMIT_MS = 15_000;

/** One server after the other, so that the cluster goes on serving. Never resolves: the manager ends it with its process. */
export async function holdScene(channel: ManagerChannel, { entry }: Scene): Promise<never> {
  for (const { name, pid } of serversOf(await channel.status(), "execution-server")) {
    await channel.order({ kind: "replaceServer", server: name, entry, lasting: true });
    const isReplaced = await until(REPLACED_LIMIT_MS, async () => {
      const now = serversOf(await channel.status(), "execution-server").find((server) => server.name === name);
      return now?.state === "up" && now.pid !== null && now.pid !== pid ? true : undefined;
    });
    if (!isReplaced) throw new Error(`${name} did not start with ${entry}`);
  }
  return new Promise(() => {});
}
