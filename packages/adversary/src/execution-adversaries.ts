/** Compromised workers: wrong results from an execution that otherwise looks right (REQUIREMENTS §C). */
import type { Adversary, AdversaryFactory, ExecutionOutcome } from "./adversary.ts";
import { changeFirstNumber, extendFirstText, textsIn } from "./json-tampering.ts";

const wrongReply = (outcome: ExecutionOutcome): ExecutionOutcome => ({
  ...outcome,
  reply: { ...outcome.reply, body: changeFirstNumber(outcome.reply.body, 1) ?? "{}" },
});

const wrongState = (outcome: ExecutionOutcome): ExecutionOutcome => ({
  ...outcome,
  writes: outcome.writes.map((write, index) =>
    index === 0 ? { ...write, value: changeFirstNumber(write.value, 1_000) ?? write.value } : write,
  ),
});

const onlyApplication = (bend: NonNullable<Adversary["bendExecution"]>): NonNullable<Adversary["bendExecution"]> => {
  return (context, outcome) => (context.operation === "genesis" ? outcome : bend(context, outcome));
};

export const wrongReplyRightState: AdversaryFactory = () => ({
  id: "A1",
  title: "wrong reply, right state",
  bendExecution: onlyApplication((_context, outcome) => wrongReply(outcome)),
});

export const rightReplyWrongState: AdversaryFactory = () => ({
  id: "A2",
  title: "right reply, wrong state",
  bendExecution: onlyApplication((_context, outcome) => wrongState(outcome)),
});

export const wrongReplyAndState: AdversaryFactory = () => ({
  id: "A3",
  title: "reply and state wrong, and consistent with each other",
  bendExecution: onlyApplication((_context, outcome) => wrongReply(wrongState(outcome))),
});

/** Texts shorter than this are not worth stealing (and may be anybody's). */
const SECRET_LENGTH_MIN = 6;

export const leakForeignSecret: AdversaryFactory = () => ({
  id: "A12",
  title: "another client's secret in the reply",
  bendExecution: onlyApplication(({ loot }, outcome) => {
    if (outcome.reply.status !== 200) return outcome;
    const own = new Set(outcome.reads);
    for (const [object, bytes] of loot) {
      const secret = own.has(object) ? undefined : textsIn(bytes, SECRET_LENGTH_MIN)[0];
      const body = secret === undefined ? undefined : extendFirstText(outcome.reply.body, ` ${secret}`);
      if (body !== undefined) return { ...outcome, reply: { ...outcome.reply, body } };
    }
    return outcome;
  }),
});

export const omitOneObject: AdversaryFactory = () => ({
  id: "A15",
  title: "one object of a declared set left out",
  bendExecution: onlyApplication((_context, outcome) => ({ ...outcome, writes: outcome.writes.slice(1) })),
});
