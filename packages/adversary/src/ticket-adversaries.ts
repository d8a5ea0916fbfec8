/**
 * Compromised execution servers that work without a ticket of their own: invented, old, somebody else's, or in another
 * client's name (REQUIREMENTS §C: A23, A24, A26, A27). The honest changes go out beside the forged ones.
 */
import { digestText } from "@redoubt/protocol";
import type { AnyMessage, ChangeRecord, RequestId, ServerName, Ticket, TicketBody } from "@redoubt/shared";
import { anyOf, chance, type SeededAdversaryFactory, type SeededAdversaryTools } from "./adversary.ts";
import { altered, Decisions, isApplicationChange } from "./multicast-adversaries.ts";

const REMEMBERED_MAX = 256;

const withBody = (record: ChangeRecord, body: Partial<TicketBody>): ChangeRecord => ({
  ...record,
  ticket: { ...record.ticket, body: { ...record.ticket.body, ...body } },
});

/** Tells the conspiracy of every ticket that comes in. */
const overhearing =
  (tools: SeededAdversaryTools) =>
  (_from: ServerName, message: AnyMessage): readonly AnyMessage[] => {
    if (message.kind === "dispatch") tools.conspiracy.overhear(message.ticket);
    return [message];
  };

/** Adds forged changes to some of the honest ones, before or behind them, the same to every member. */
const adding =
  (
    id: string,
    title: string,
    share: number,
    forge: (tools: SeededAdversaryTools, record: ChangeRecord) => ChangeRecord | undefined,
  ): SeededAdversaryFactory =>
  (tools) => {
    const decisions = new Decisions<{ readonly forged: ChangeRecord | undefined; readonly isFirst: boolean }>();
    const decide = (record: ChangeRecord) => ({
      forged: chance(tools, share) ? forge(tools, record) : undefined,
      isFirst: chance(tools, 0.5),
    });
    return {
      id,
      title,
      bendArrival: overhearing(tools),
      bendMessage(_to, message): readonly AnyMessage[] {
        if (!isApplicationChange(message)) return [message];
        const { forged, isFirst } = decisions.of(message.record, () => decide(message.record));
        if (!forged) return [message];
        const other = { ...message, record: forged };
        return isFirst ? [other, message] : [message, other];
      },
    };
  };

/** Results of requests it was never given; it also calls requests of others failed. */
export const fabricatedReplies: SeededAdversaryFactory = (tools) => {
  const inner = adding("A23", "results of requests never dispatched to it", 0.2, ({ hasher, random }, record) =>
    withBody(record, { requestId: digestText(hasher, "fabricated", `${random()}`) as string as RequestId }),
  )(tools);
  return {
    ...inner,
    bendMessage(to, message): readonly AnyMessage[] {
      const foreign = anyOf(
        tools,
        tools.conspiracy.tickets(() => true),
      );
      if (foreign && isApplicationChange(message) && chance(tools, 0.05)) {
        const { requestId, attempt } = foreign.body;
        const reason = anyOf(tools, ["crash", "timeout", "refused", "stale"] as const) ?? "crash";
        tools.send("traffic-regulator-1", "traffic-regulator", {
          kind: "executionFailed",
          requestId,
          attempt,
          reason,
          detail: "invented",
          alsoInside: [],
        });
      }
      return inner.bendMessage?.(to, message) ?? [message];
    },
  };
};

/** Old changes again, and new contents for old tickets of its own. */
export const replayOldTickets: SeededAdversaryFactory = (tools) => {
  const old: ChangeRecord[] = [];
  return {
    id: "A24",
    title: "old changes and old tickets used again",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      const again = chance(tools, 0.3) ? anyOf(tools, old) : undefined;
      if (old.length < REMEMBERED_MAX && old.at(-1)?.ticket !== record.ticket) old.push(record);
      if (!again) return [message];
      if (chance(tools, 0.4)) return [message, { ...message, record: again }];
      // The old permission for a new change: in the place of the honest one, or with another content.
      const { serial, links } = record;
      const renewed = chance(tools, 0.5) ? { ...record, ticket: again.ticket } : { ...altered(again), serial, links };
      return chance(tools, 0.5)
        ? [message, { ...message, record: renewed }]
        : [{ ...message, record: renewed }, message];
    },
  };
};

/** Somebody else's ticket (an accomplice heard it): as it is, or with its own name written into it. */
export const foreignTickets = (self: ServerName): SeededAdversaryFactory =>
  adding("A26", "another execution server's ticket", 0.3, (tools, record) => {
    const foreign = anyOf(
      tools,
      tools.conspiracy.tickets(({ body }: Ticket) => body.executionServer !== self && body.operation !== "genesis"),
    );
    if (!foreign) return undefined;
    const stolen = { ...record, ticket: foreign };
    return chance(tools, 0.5) ? stolen : withBody(stolen, { executionServer: self });
  });

/** Its own ticket in the name of another client, or for another client's request. */
export const forgedRequestIds: SeededAdversaryFactory = adding(
  "A27",
  "a change under another client's request id",
  0.3,
  (tools, record) => {
    const own = record.ticket.body;
    const victim = anyOf(
      tools,
      tools.conspiracy.tickets(({ body }: Ticket) => body.principal !== own.principal && body.operation !== "genesis"),
    );
    if (!victim) return undefined;
    const { requestId, principal } = victim.body;
    return withBody(record, chance(tools, 0.5) ? { requestId } : { requestId, principal });
  },
);
