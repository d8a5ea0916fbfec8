/**
 * Lets a process that misbehaves become the holder of the leases: a spare is replaced by it, then the honest execution
 * servers are replaced by fresh processes, so that the regulator finds none but the compromised one to hold them.
 */
import type { DrillServer, DrillStatus, ManagerChannel } from "./channel.ts";
import { serversOf, until } from "./channel.ts";

const STARTED_LIMIT_MS = 8_000;
const HOLDER_LIMIT_MS = 4_000;
const ATTEMPTS_MAX = 2;

const HOLDER = "lease holder";

/** Returns the compromised server's name once it holds leases. */
export async function compromiseHolder(channel: ManagerChannel, entry: string): Promise<string> {
  const servers = serversOf(await channel.status(), "execution-server");
  const target = servers.find(({ role }) => role !== HOLDER) ?? servers[0];
  if (target === undefined) throw new Error("there is no execution server");
  await channel.order({ kind: "replaceServer", server: target.name, entry });
  const isStarted = await until(STARTED_LIMIT_MS, async () => {
    const now = find(await channel.status(), target.name);
    return now?.state === "up" && now.pid !== null && now.pid !== target.pid ? true : undefined;
  });
  if (!isStarted) throw new Error(`${target.name} did not start with ${entry}`);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    if (attempt > 1 || find(await channel.status(), target.name)?.role !== HOLDER)
      await replaceOthers(channel, target.name);
    if (await until(HOLDER_LIMIT_MS, () => becameHolder(channel, target.name))) return target.name;
  }
  throw new Error(`${target.name} did not come to hold leases`);
}

const find = (status: DrillStatus, name: string): DrillServer | undefined =>
  serversOf(status, "execution-server").find((server) => server.name === name);

/** The holder last: when it goes, no other honest process is there yet. */
async function replaceOthers(channel: ManagerChannel, target: string): Promise<void> {
  const others = serversOf(await channel.status(), "execution-server").filter(({ name }) => name !== target);
  others.sort((left, right) => Number(left.role === HOLDER) - Number(right.role === HOLDER));
  for (const { name } of others) await channel.order({ kind: "restoreServer", server: name });
}

/** A server that was discarded meanwhile had been the holder: nobody else is asked. */
function becameHolder(channel: ManagerChannel, target: string): true | undefined {
  const seen = channel.events.some(
    (event) =>
      (event.kind === "epoch.opened" && event.holder === target) ||
      (event.kind === "server.discarded" && event.server === target),
  );
  return seen ? true : undefined;
}
