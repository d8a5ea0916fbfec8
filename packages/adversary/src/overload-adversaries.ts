/**
 * The simulator's execution servers that send too much, too slowly, or as somebody else (REQUIREMENTS §C: A18, A20, A21, A28).
 * Floods have a budget per process (drills have unbounded ones): what counts is that they are refused and told, not that the simulator is busy.
 */
import { digestText } from "@redoubt/protocol";
import { type AnyMessage, type Component, type ServerName, ZERO_DIGEST } from "@redoubt/shared";
import { anyOf, chance, type SeededAdversaryFactory } from "./adversary.ts";
import { Decisions, isApplicationChange, membersOf } from "./multicast-adversaries.ts";

/** Messages a process sends in floods, in all. */
const FLOOD_BUDGET = 120;
const BURST = 12;

/** Does not answer some dispatches at all, and lets others' changes dribble out member by member. */
export const hangAndDribble: SeededAdversaryFactory = (tools) => {
  const delays = new Decisions<number>();
  return {
    id: "A18",
    title: "requests that hang, changes that dribble out",
    bendArrival: (_from, message) => (message.kind === "dispatch" && chance(tools, 0.05) ? [] : [message]),
    bendMessage(to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message)) return [message];
      const delayMs = delays.of(message.record, () => (chance(tools, 0.15) ? 50 + tools.random() * 900 : 0));
      if (delayMs === 0) return [message];
      tools.later?.(delayMs * tools.random(), () => tools.send(to, "state-replica", message));
      return [];
    },
  };
};

/** Genuine tickets, right objects: fetches nobody needs, and changes of serials that are not their turn. */
export const floodWithTicket: SeededAdversaryFactory = (tools) => {
  let left = FLOOD_BUDGET;
  const flooded = new Decisions<boolean>();
  return {
    id: "A20",
    title: "a flood of valid-looking messages",
    bendMessage(to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message) || left <= 0) return [message];
      const { record } = message;
      if (!flooded.of(record, () => chance(tools, 0.2))) return [message];
      const { ticket, input, writes, reads } = record;
      const objects = [...new Set([...writes, ...reads].map(({ object }) => object))];
      for (let burst = 0; burst < BURST && left > 0; burst++, left--) {
        const fetch = { kind: "fetch", fetch: `flood-${left}`, ticket, input, objects, at: [] } as const;
        const ahead = { kind: "change", record: { ...record, serial: record.serial + 1 + burst } } as const;
        tools.send(to, "state-replica", chance(tools, 0.5) ? fetch : ahead);
      }
      return [message];
    },
  };
};

/** Requests that nobody gave it a ticket for, each another one. */
export const floodWithoutTicket: SeededAdversaryFactory = (tools) => {
  let left = FLOOD_BUDGET;
  return {
    id: "A21",
    title: "a flood of messages without a ticket",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message) || left <= 0 || !chance(tools, 0.05)) return [message];
      const { record } = message;
      for (let burst = 0; burst < BURST && left > 0; burst++, left--) {
        const requestId = digestText(tools.hasher, "unasked", `${tools.random()}`) as string;
        const body = { ...record.ticket.body, requestId: requestId as typeof record.ticket.body.requestId };
        const ticket = { body, entries: {}, mastersEntry: ZERO_DIGEST };
        const member = anyOf(tools, membersOf(record));
        if (member === undefined) break;
        tools.send(member, "state-replica", { kind: "change", record: { ...record, ticket } });
      }
      return [message];
    },
  };
};

/** What only a replica, a master, the regulator or the manager may say. Links close on it. */
export const impersonate: SeededAdversaryFactory = (tools) => ({
  id: "A28",
  title: "messages of another component",
  bendMessage(_to, message): readonly AnyMessage[] {
    if (!isApplicationChange(message) || !chance(tools, 0.1)) return [message];
    const { body } = message.record.ticket;
    const { requestId, attempt, home } = body;
    const digest = digestText(tools.hasher, "forged", requestId);
    const answer = { requestId, attempt, changeDigest: digest, replyDigest: digest, follows: [], durable: true };
    const clusters = [{ from: 0, to: 1 }];
    const roles: readonly (readonly [ServerName, Component, AnyMessage])[] = [
      [
        "traffic-regulator-1",
        "traffic-regulator",
        { kind: "answer", ...answer, known: false, verdict: { kind: "pass" } },
      ],
      ["state-master-1", "state-master", { kind: "close", requestId, home }],
      ["state-master-1", "state-master", { kind: "report", changes: [] }],
      [body.testers[0] ?? "state-replica-1", "state-replica", { kind: "fence", requestId, home }],
      [body.testers[0] ?? "state-replica-1", "state-replica", { kind: "promise", epoch: 2 ** 40, clusters }],
      ["execution-server-2", "execution-server", { kind: "refused", requestId, attempt, reason: "fenced" }],
    ];
    const role = anyOf(tools, roles);
    if (role) tools.send(...role);
    return [message];
  },
});
