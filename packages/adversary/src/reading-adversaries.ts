/**
 * Compromised execution servers that look where they must not, or do not say where they looked, and put what they saw into
 * replies (REQUIREMENTS §C: A10–A13). Members deny and log what lies outside a request's scope; the acceptance test sees the log.
 */
import type { AnyMessage, ChangeRecord } from "@redoubt/shared";
import type { ExecutionOutcome } from "./adversary.ts";
import { anyOf, chance, type SeededAdversaryFactory, type SeededAdversaryTools } from "./adversary.ts";
import { textsIn } from "./json-tampering.ts";
import { Decisions, isApplicationChange, membersOf } from "./multicast-adversaries.ts";

const KNOWN_MAX = 64;

/** Asks members for an object that another request touched, with the ticket of this one. */
export const readOutsideScope: SeededAdversaryFactory = (tools) => {
  const known: string[] = [];
  const spied = new Decisions<boolean>();
  const learn = ({ reads, writes }: ChangeRecord): void => {
    for (const { object } of [...reads, ...writes])
      if (known.length < KNOWN_MAX && !known.includes(object)) known.push(object);
  };
  const spy = (record: ChangeRecord): boolean => {
    const own = new Set([...record.reads, ...record.writes].map(({ object }) => object));
    const prey = anyOf(
      tools,
      known.filter((object) => !own.has(object)),
    );
    learn(record);
    if (prey === undefined || !chance(tools, 0.2)) return false;
    const { ticket, input } = record;
    const message = { kind: "fetch", fetch: `spying-${ticket.body.requestId}`, ticket, input, objects: [prey], at: [] };
    for (const member of membersOf(record)) tools.send(member, "state-replica", message as AnyMessage);
    return true;
  };
  return {
    id: "A10",
    title: "a read of an object that the request does not name",
    bendArrival: (_from, message) =>
      message.kind === "fetched" && message.fetch.startsWith("spying-") ? [] : [message],
    bendMessage(_to, message): readonly AnyMessage[] {
      if (isApplicationChange(message)) spied.of(message.record, () => spy(message.record));
      return [message];
    },
  };
};

/** Uses what it has read without saying so in the change. */
export const undeclaredReads: SeededAdversaryFactory = (tools) => {
  const hidden = new Decisions<"none" | "first" | "all">();
  return {
    id: "A11",
    title: "a read that the change does not name",
    bendMessage(_to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message) || message.record.reads.length === 0) return [message];
      const { record } = message;
      const choice = hidden.of(record, () => (chance(tools, 0.2) ? (chance(tools, 0.5) ? "first" : "all") : "none"));
      if (choice === "none") return [message];
      return [{ ...message, record: { ...record, reads: choice === "all" ? [] : record.reads.slice(1) } }];
    },
  };
};

/** Texts shorter than this are not worth stealing (and may be anybody's). */
const SECRET_LENGTH_MIN = 6;

/** Puts a text of somebody else's object into some replies, as it is or encoded. */
const leaking =
  (
    id: string,
    title: string,
    encode: (secret: string, tools: SeededAdversaryTools) => string,
  ): SeededAdversaryFactory =>
  (tools) => ({
    id,
    title,
    bendExecution({ operation, loot }, outcome): ExecutionOutcome {
      if (operation === "genesis" || outcome.reply.status !== 200 || !chance(tools, 0.2)) return outcome;
      const own = new Set(outcome.reads);
      const foreign = [...loot]
        .filter(([object]) => !own.has(object))
        .flatMap(([, bytes]) => textsIn(bytes, SECRET_LENGTH_MIN));
      const secret = anyOf(tools, foreign);
      if (secret === undefined) return outcome;
      const body = JSON.parse(outcome.reply.body) as Record<string, unknown>;
      return {
        ...outcome,
        reply: { ...outcome.reply, body: JSON.stringify({ ...body, note: encode(secret, tools) }) },
      };
    },
  });

const HALF = 0.5;
const inHexadecimal = (text: string): string =>
  [...text].map((character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const backwards = (text: string): string => [...text].reverse().join("");

export const leakNowAndThen = leaking("A12", "another client's secret in the reply", (secret) => secret);
export const leakEncoded = leaking("A13", "another client's secret in the reply, encoded", (secret, tools) =>
  chance(tools, HALF) ? inHexadecimal(secret) : backwards(secret),
);
