/**
 * Puts a compromised process into an execution server's place and lets it come to hold the leases: the others get no work
 * for a moment, so that the regulator finds none but it. It is honest until it is told to begin.
 */
import { readProcessRecord, signalProcess } from "../adapters/supervisor/index.ts";
import { dataLayout } from "../runtime/data-layout.ts";
import type { DrillServer } from "./channel.ts";
import { serversOf, until } from "./channel.ts";
import { findServer, LEASE_HOLDER, type Stage } from "./stage.ts";

const STARTED_LIMIT_MS = 15_000;
const HOLDER_LIMIT_MS = 6_000;

/** The process that was put into a server's place. */
export interface Compromised {
  readonly server: string;
  readonly pid: number;
}

/** It was ended before it had begun: on a busy machine an honest server, too, can miss a deadline. */
export class EndedTooEarly extends Error {}

/** Resolves when the process runs and is ready for work. */
export async function compromise({ channel }: Stage, target: DrillServer, entry: string): Promise<Compromised> {
  await channel.order({ kind: "replaceServer", server: target.name, entry });
  const pid = await until(STARTED_LIMIT_MS, async () => {
    const now = findServer(await channel.status(), target.name);
    return now?.state === "up" && now.pid !== null && now.pid !== target.pid ? now.pid : undefined;
  });
  if (pid === undefined) throw new Error(`${target.name} did not start with ${entry}`);
  return { server: target.name, pid };
}

/** The honest server again. Resolves when the compromised process is gone: until then it may still hold leases, and misbehave. */
export async function restore({ channel }: Stage, { server, pid }: Compromised): Promise<void> {
  await channel.order({ kind: "restoreServer", server });
  const isGone = await until(
    STARTED_LIMIT_MS,
    async () => findServer(await channel.status(), server)?.pid !== pid || undefined,
  );
  if (!isGone) throw new Error(`${server}: the compromised process goes on`);
}

/** Only one drill at a time may do this. */
export async function becomeHolder({ channel }: Stage, server: string): Promise<void> {
  const status = await channel.status();
  if (findServer(status, server)?.role === LEASE_HOLDER) return;
  const from = channel.events.length;
  const others = serversOf(status, "execution-server").flatMap(({ name }) => (name === server ? [] : [name]));
  await channel.order({ kind: "drain", servers: others });
  const isHolder = await until(HOLDER_LIMIT_MS, () => opened(channel.events.slice(from), (name) => name === server));
  await channel.order({ kind: "endDrain", servers: others });
  if (!isHolder) throw new Error(`${server} did not come to hold leases`);
}

/** It gets no work until somebody else holds what it held; it is not ended. */
export async function loseLeases({ channel }: Stage, server: string): Promise<void> {
  const from = channel.events.length;
  await channel.order({ kind: "drain", servers: [server] });
  const isOver = await until(HOLDER_LIMIT_MS, () => opened(channel.events.slice(from), (name) => name !== server));
  // The regulator tells of no server that it may give no work.
  await channel.order({ kind: "endDrain", servers: [server] });
  if (!isOver) throw new Error(`nobody took the leases of ${server}`);
}

const opened = (events: Stage["channel"]["events"], isRight: (holder: string) => boolean): true | undefined =>
  events.some((event) => event.kind === "epoch.opened" && isRight(event.holder)) || undefined;

/** Tells the compromised process, and no other that took its place, to begin. Throws {@link EndedTooEarly} when it is gone. */
export function begin({ data }: Stage, { server, pid }: Compromised): void {
  const record = readProcessRecord(dataLayout(data).run, server);
  if (record?.pid !== pid || !signalProcess(record, "SIGUSR2"))
    throw new EndedTooEarly(`${server}: the compromised process was ended before it had begun`);
}
