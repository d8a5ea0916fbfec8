/**
 * Behaviours in the form a drill wants: they show with the first request, where the simulator's wait for their chance. And
 * those that need real time, which pure worlds of messages have no use for.
 */
import type { AnyMessage, ServerName } from "@redoubt/shared";
import type { ExecutionOutcome, SeededAdversaryFactory } from "./adversary.ts";
import { changeFirstNumber } from "./json-tampering.ts";
import { isApplicationChange } from "./multicast-adversaries.ts";

/** Every change goes to one member alone. */
export const partialAlways: SeededAdversaryFactory = () => {
  let confidant: ServerName | undefined;
  return {
    id: "A5",
    title: "change set to at most t replicas",
    bendMessage(to, message) {
      if (!isApplicationChange(message)) return [message];
      confidant ??= to;
      return to === confidant ? [message] : [];
    },
  };
};

/** Takes requests, lives, and never says a word about them. */
export const hang: SeededAdversaryFactory = () => ({
  id: "A18",
  title: "requests that are taken and never answered",
  bendMessage: (_to, message) => (isApplicationChange(message) ? [] : [message]),
});

/** Refusals as the contract words them, for no reason. */
export const refuseWithReasons: SeededAdversaryFactory = () => ({
  id: "A37",
  title: "a refusal as the answer to everything",
  bendExecution({ operation, refusals }, outcome): ExecutionOutcome {
    const refusal = refusals?.[0];
    if (operation === "genesis" || refusal === undefined) return outcome;
    return { ...outcome, reply: refusal, writes: [] };
  },
});

const ONCE_IN = 100;

/** A wrong result with a probability of one in a hundred. */
export const wrongOnceInAHundred: SeededAdversaryFactory = ({ random }) => ({
  id: "A32",
  title: "misbehaviour once in a hundred requests",
  bendExecution({ operation }, outcome): ExecutionOutcome {
    if (operation === "genesis" || random() * ONCE_IN >= 1) return outcome;
    const body = changeFirstNumber(outcome.reply.body, 1);
    return body === undefined ? outcome : { ...outcome, reply: { ...outcome.reply, body } };
  },
});

/** After the time it was given to be told that its epochs are over, and to be sure of it. */
const LATE_AFTER_MS = 1_600;

/**
 * Holds changes back, `keepMax` for every member, and sends them when others have held its object clusters for a while: as
 * a holder does that was paused, or one that does not let go.
 */
export const writeLate =
  (id: string, title: string, keepMax: number): SeededAdversaryFactory =>
  (tools) => {
    const kept: { readonly to: ServerName; readonly message: AnyMessage }[] = [];
    let isSent = false;
    tools.later?.(LATE_AFTER_MS, () => {
      isSent = true;
      if (kept.length > 0) tools.did?.(id);
      for (const { to, message } of kept) tools.send(to, "state-replica", message);
    });
    return {
      id,
      title,
      bendMessage(to, message) {
        if (isSent || !isApplicationChange(message)) return [message];
        if (kept.filter((each) => each.to === to).length >= keepMax) return [message];
        kept.push({ to, message });
        return [];
      },
    };
  };
