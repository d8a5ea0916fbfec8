/**
 * Entry of scene S1: an execution server whose shell has holes. It is honest, but the operation `end-server` ends it, as a
 * crafted request would that its parsers do not survive, and the first attempt of the operation `flood` makes it ask every
 * member for what that request may read, without end (REQUIREMENTS A20). At SIGUSR2 one that holds no lease floods, too.
 */
import type { DispatchMessage } from "@redoubt/shared";
import { runExecutionServer, type SeamsFactory } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";

const FLOOD_EVERY_MS = 10;
/** Each time, to each member: 20 000 a second, where fifty requests a second make two hundred. */
const FLOOD_MESSAGES = 200;

const MEMBERS = ["state-replica-1", "state-replica-2", "state-replica-3"];

const frail: SeamsFactory = ({ application, send }) => {
  process.on("SIGUSR2", () => {
    setInterval(() => {
      for (let sent = 0; sent < FLOOD_MESSAGES; sent++)
        for (const member of MEMBERS) send(member, { kind: "evidence", digests: [], signature: "00".repeat(64) });
    }, FLOOD_EVERY_MS);
  });
  const flood = ({ ticket, input }: DispatchMessage): void => {
    const members = new Set(ticket.body.clusters.flatMap((cluster) => cluster.members));
    const { counter } = JSON.parse(input) as { counter: number };
    const objects = [`counter/${counter}`];
    let count = 0;
    setInterval(() => {
      for (let sent = 0; sent < FLOOD_MESSAGES; sent++) {
        const fetch = `flood-${++count}`;
        for (const member of members) send(member, { kind: "fetch", fetch, ticket, input, objects, at: [] });
      }
    }, FLOOD_EVERY_MS);
  };
  return {
    application,
    provided: ({ operation }) => {
      if (operation === "end-server") process.kill(process.pid, "SIGKILL");
    },
    finished: (_effect, input) => input,
    sent: ({ message }) => [message],
    arrived: (_from, message) => {
      const body = message.kind === "dispatch" ? message.ticket.body : undefined;
      if (message.kind === "dispatch" && body?.operation === "flood" && body.attempt === 1) flood(message);
      return [message];
    },
  };
};

await runExecutionServer(readServerEnvironment(), frail);
