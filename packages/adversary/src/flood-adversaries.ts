/**
 * Compromised execution servers that send too much: genuine-looking requests, and messages without any ticket of theirs
 * (REQUIREMENTS §C: A20, A21).
 */
import { digestText } from "@redoubt/protocol";
import type { AnyMessage, ChangeRecord, RequestId, ServerName } from "@redoubt/shared";
import type { SeededAdversaryFactory } from "./adversary.ts";
import { Decisions, isApplicationChange } from "./multicast-adversaries.ts";

/** Messages to each member per request that it is given. */
const FLOOD = 400;
const FORGERIES = 24;

const membersOf = ({ ticket }: ChangeRecord): readonly ServerName[] => [
  ...new Set(ticket.body.clusters.flatMap(({ members }) => members)),
];

/** Asks again and again for what it may have: each message alone is right. */
export const floodWithFetches: SeededAdversaryFactory = (tools) => {
  const done = new Decisions<boolean>();
  return {
    id: "A20",
    title: "a flood of requests that each look right",
    bendMessage(_to, message) {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      done.of(record, () => {
        const { ticket, input } = record;
        const objects = record.reads.map(({ object }) => object);
        tools.did?.("A20");
        for (let count = 0; count < FLOOD; count++)
          for (const member of membersOf(record))
            tools.send(member, "state-replica", {
              ...{ kind: "fetch", fetch: `again-${count}`, ticket, input, objects, at: [] },
            });
        return true;
      });
      return [message];
    },
  };
};

/** Changes that no ticket allows, by the dozen. */
export const floodWithoutTickets: SeededAdversaryFactory = (tools) => {
  let forged = 0;
  const done = new Decisions<boolean>();
  const forge = (record: ChangeRecord): AnyMessage => {
    const requestId = digestText(tools.hasher, "flood", `${++forged}`) as string as RequestId;
    const { ticket } = record;
    const body = { ...ticket.body, requestId };
    return { kind: "change", record: { ...record, ticket: { ...ticket, body } } };
  };
  return {
    id: "A21",
    title: "a flood of changes without a ticket",
    bendMessage(_to, message) {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      done.of(record, () => {
        tools.did?.("A21");
        for (let count = 0; count < FORGERIES; count++)
          for (const member of membersOf(record)) tools.send(member, "state-replica", forge(record));
        return true;
      });
      return [message];
    },
  };
};
