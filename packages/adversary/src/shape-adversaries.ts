/**
 * Compromised execution servers whose changes have another shape than they should: objects too many or left out, sizes,
 * nesting, names and numbers that hurt careless code (REQUIREMENTS §C: A14, A34, A38). Links let through what the wire's
 * schemas allow; what is here is within them.
 */
import { type AnyMessage, type ChangeRecord, LIMITS, ZERO_DIGEST } from "@redoubt/shared";
import type { ExecutionOutcome } from "./adversary.ts";
import { anyOf, chance, type SeededAdversaryFactory } from "./adversary.ts";
import { Decisions, isApplicationChange } from "./multicast-adversaries.ts";

/** The change writes one object more than the operation declares; half of the time one that the worker was given before. */
export const undeclaredWrites: SeededAdversaryFactory = (tools) => {
  const seen: ChangeRecord["writes"][number][] = [];
  const extras = new Decisions<ChangeRecord["writes"][number] | "none">();
  return {
    id: "A14",
    title: "an undeclared object in the change set",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message)) return [message];
      const { record } = message;
      const extra = extras.of(record, () => {
        const own = new Set([...record.reads, ...record.writes].map(({ object }) => object));
        const foreign = anyOf(
          tools,
          seen.filter(({ object }) => !own.has(object)),
        );
        const [read] = record.reads;
        if (seen.length < 32) seen.push(...record.writes);
        if (!chance(tools, 0.3)) return "none";
        // Also an object that it may read: a write of what is only to be looked at.
        if (read && record.writes.length === 0 && chance(tools, 0.5))
          return { object: read.object, number: read.number + 1, epoch: read.epoch, parent: read, bytes: "null" };
        return foreign
          ? { ...foreign, number: foreign.number + 1, parent: { ...foreign.parent, number: foreign.number } }
          : "none";
      });
      return extra === "none" ? [message] : [{ ...message, record: { ...record, writes: [...record.writes, extra] } }];
    },
  };
};

/** Leaves one object out of a reply that is built over several. */
export const omitFromReply: SeededAdversaryFactory = (tools) => ({
  id: "A38",
  title: "a reply over several objects from which one is missing",
  bendExecution({ operation }, outcome): ExecutionOutcome {
    if (operation === "genesis" || !chance(tools, 0.3)) return outcome;
    const body = JSON.parse(outcome.reply.body) as Record<string, unknown>;
    for (const [name, value] of Object.entries(body)) {
      const entries = value && typeof value === "object" ? Object.entries(value) : [];
      if (entries.length < 2) continue;
      const fewer = { ...body, [name]: Object.fromEntries(entries.slice(1)) };
      return { ...outcome, reply: { ...outcome.reply, body: JSON.stringify(fewer) } };
    }
    return outcome;
  },
});

type Disfigure = (record: ChangeRecord) => ChangeRecord;

const firstWrite = (record: ChangeRecord, bend: (bytes: string) => string): ChangeRecord => ({
  ...record,
  writes: record.writes.map((write, index) => (index === 0 ? { ...write, bytes: bend(write.bytes) } : write)),
});
const NESTING = 3_000;
const nested = `${"[".repeat(NESTING)}${"]".repeat(NESTING)}`;
const POLLUTED = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
/** The largest that the wire can carry: larger ones no server can even send. */
const HUGE = Number.MAX_SAFE_INTEGER;

const DISFIGURED: readonly Disfigure[] = [
  (record) => ({ ...record, reply: `{"status":200,"body":${nested}}` }),
  (record) => ({ ...record, reply: `{"status":200,"body":${POLLUTED}}` }),
  (record) => ({ ...record, reply: "{" }),
  (record) => ({ ...record, reply: "x".repeat(LIMITS.replyBytesMax + 1) }),
  (record) => firstWrite(record, () => nested),
  (record) => firstWrite(record, () => POLLUTED),
  (record) => firstWrite(record, () => "x".repeat(LIMITS.objectBytesMax + 1)),
  (record) => firstWrite(record, (bytes) => bytes.slice(1)),
  (record) => ({ ...record, writes: record.writes.map((write) => ({ ...write, object: "__proto__" })) }),
  (record) => ({ ...record, reads: record.reads.map((read) => ({ ...read, object: "constructor" })) }),
  (record) => ({ ...record, writes: record.writes.flatMap((write) => [write, write]) }),
  (record) => ({ ...record, serial: HUGE }),
  (record) => ({ ...record, serial: 0 }),
  (record) => ({ ...record, links: [] }),
  (record) => ({ ...record, links: [...record.links, ...record.links] }),
  (record) => ({ ...record, links: record.links.map((link) => ({ ...link, cluster: HUGE })) }),
  (record) => ({
    ...record,
    reads: Array.from({ length: LIMITS.objectsPerRequestMax + 1 }, (_, index) => ({
      ...{ object: `account/${index}`, number: 0, epoch: 0, c1: ZERO_DIGEST },
    })),
  }),
  (record) => ({ ...record, input: nested }),
  (record) => ({ ...record, ticket: { ...record.ticket, body: { ...record.ticket.body, clusters: [] } } }),
  (record) => ({ ...record, ticket: { ...record.ticket, entries: {} } }),
];

/** Behind or instead of an honest change, the same to every member. */
export const malformedChanges: SeededAdversaryFactory = (tools) => {
  const ways = new Decisions<{ readonly way: Disfigure | undefined; readonly isExtra: boolean }>();
  return {
    id: "A34",
    title: "oversize and malformed changes, deep nesting, keys of prototypes",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message)) return [message];
      const { way, isExtra } = ways.of(message.record, () => ({
        way: chance(tools, 0.2) ? anyOf(tools, DISFIGURED) : undefined,
        isExtra: chance(tools, 0.5),
      }));
      if (!way) return [message];
      const disfigured = { ...message, record: way(message.record) };
      return isExtra ? [message, disfigured] : [disfigured];
    },
  };
};
