/**
 * Compromised execution servers that look where they have no business, or say less than they read (REQUIREMENTS §C: A10, A11, A38) in the form that shows at once. The tickets are their own and genuine.
 */
import type { ChangeRecord, ServerName } from "@redoubt/shared";
import { anyOf, type SeededAdversaryFactory, type SeededAdversaryTools } from "./adversary.ts";
import { Decisions, isApplicationChange } from "./multicast-adversaries.ts";

const SEEN_MAX = 256;

const membersOf = ({ ticket }: ChangeRecord): readonly ServerName[] => [
  ...new Set(ticket.body.clusters.flatMap(({ members }) => members)),
];

/** Objects that other requests read: what an intruder could be curious about. */
class Seen {
  readonly #objects = new Set<string>();

  add({ reads }: ChangeRecord): void {
    for (const { object } of reads) this.#objects.add(object);
    for (const object of this.#objects) {
      if (this.#objects.size <= SEEN_MAX) return;
      this.#objects.delete(object);
    }
  }

  foreignTo(tools: SeededAdversaryTools, { reads }: ChangeRecord): string | undefined {
    const own = new Set(reads.map(({ object }) => object));
    return anyOf(
      tools,
      [...this.#objects].filter((object) => !own.has(object)),
    );
  }
}

const ask = (tools: SeededAdversaryTools, { ticket, input }: ChangeRecord, to: ServerName, object: string): void =>
  tools.send(to, "state-replica", {
    kind: "fetch",
    fetch: `curious-${ticket.body.requestId}`,
    ticket,
    input,
    objects: [object],
    at: [],
  });

/** Asks every member for an object of somebody else under its own ticket. */
export const readOutsideScope: SeededAdversaryFactory = (tools) => {
  const seen = new Seen();
  const done = new Decisions<{ readonly object: string | undefined }>();
  return {
    id: "A10",
    title: "reads of objects that the request does not name",
    bendMessage(_to, message) {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      done.of(record, () => {
        const object = seen.foreignTo(tools, record);
        seen.add(record);
        if (object !== undefined) {
          for (const member of membersOf(record)) ask(tools, record, member, object);
          tools.did?.("A10");
        }
        return { object };
      });
      return [message];
    },
  };
};

const bendingRecords = (
  id: string,
  title: string,
  bend: (tools: SeededAdversaryTools, record: ChangeRecord) => ChangeRecord,
): SeededAdversaryFactory => {
  return (tools) => ({
    id,
    title,
    bendMessage(_to, message) {
      if (!isApplicationChange(message)) return [message];
      const record = bend(tools, message.record);
      return record === message.record ? [message] : [{ ...message, record }];
    },
  });
};

/** Fetches what the request allows and then does not say that it has read it. */
export const hideReads = bendingRecords("A11", "objects that were read and not declared", (tools, record) => {
  const last = record.reads.at(-1);
  if (last === undefined || record.writes.length > 0) return record;
  for (const member of membersOf(record)) ask(tools, record, member, last.object);
  return { ...record, reads: record.reads.slice(0, -1) };
});

/** A result over several objects that leaves one of them out. */
export const omitFromResult = bendingRecords("A38", "an object left out of a result over several", (_tools, record) => {
  if (record.reads.length < 2) return record;
  const left = record.reads.at(-1)?.object;
  return {
    ...record,
    reads: record.reads.slice(0, -1),
    writes: record.writes.filter(({ object }) => object !== left),
  };
});
