/**
 * Compromised shells that break the order of things: versions, epochs, scope, whose request it is (REQUIREMENTS §C). What
 * they send is the same lie to every member, so no two members can be played off against each other with it.
 */
import { type ChangeRecord, ZERO_DIGEST } from "@redoubt/shared";
import type { Adversary, AdversaryFactory, ExecutionOutcome } from "./adversary.ts";
import { changeFirstNumber } from "./json-tampering.ts";

/** Misbehaves on every so-manieth occasion: rare enough to look like an accident. */
const RARELY = 12;

const isApplication = (record: ChangeRecord): boolean => record.ticket.body.operation !== "genesis";

/** Changes the record of every application change that goes out. */
const bending =
  (bend: (record: ChangeRecord) => ChangeRecord): NonNullable<Adversary["bendMessage"]> =>
  (_to, message) => {
    if (message.kind !== "change" || !isApplication(message.record)) return [message];
    const record = bend(message.record);
    return record === message.record ? [message] : [{ ...message, record }];
  };

export const writeOutsideScope: AdversaryFactory = () => {
  let stolen: ChangeRecord["writes"][number] | undefined;
  return {
    id: "A9",
    title: "a write of an object that the request does not name",
    bendMessage: bending((record) => {
      const named = new Set(record.writes.map((write) => write.object));
      const extra = stolen;
      stolen = record.writes[0] ?? stolen;
      if (!extra || named.has(extra.object)) return record;
      const { number, epoch } = extra;
      const next = { ...extra, number: number + 1, parent: { number, epoch, c1: ZERO_DIGEST } };
      return { ...record, writes: [...record.writes, next] };
    }),
  };
};

/** Harms the requests of one client only, so that the client looks guilty. */
export const frameOneClient: AdversaryFactory = () => {
  let victim: string | undefined;
  return {
    id: "A31",
    title: "misbehaviour on one client's requests only",
    bendMessage: bending((record) => {
      victim ??= record.ticket.body.principal;
      if (record.ticket.body.principal !== victim) return record;
      return { ...record, reply: changeFirstNumber(record.reply, 1) ?? record.reply };
    }),
  };
};

/**
 * In every execution server at once: the first attempt of each request of one client gets a wrong reply over a right state,
 * and whatever the regulator asks for to find out why is done well, so that the client alone looks guilty.
 */
export const aimAt =
  (victim: string): AdversaryFactory =>
  () => ({
    id: "A31",
    title: "a wrong reply to one client only, and right ones to all questions about it",
    bendMessage: bending((record) => {
      const { principal, attempt } = record.ticket.body;
      if (principal !== victim || attempt !== 1) return record;
      return { ...record, reply: changeFirstNumber(record.reply, 1) ?? record.reply };
    }),
  });

export const wrongNowAndThen: AdversaryFactory = () => {
  let turn = 0;
  return {
    id: "A32",
    title: "a wrong state now and then",
    bendExecution: ({ operation }, outcome): ExecutionOutcome => {
      if (operation === "genesis" || ++turn % RARELY !== 0) return outcome;
      const [first, ...others] = outcome.writes;
      const value = first && changeFirstNumber(first.value, 1);
      return first && value !== undefined ? { ...outcome, writes: [{ ...first, value }, ...others] } : outcome;
    },
  };
};

export const refuseEverything: AdversaryFactory = () => ({
  id: "A37",
  title: "a refusal as the answer to everything",
  bendExecution: ({ operation }, outcome) =>
    operation === "genesis" ? outcome : { ...outcome, reply: { ...outcome.reply, status: 422 }, writes: [] },
});
