/** Compromised execution servers that do not let go of what was theirs (REQUIREMENTS §C: A25, A35). */
import type { AnyMessage, Epoch, ServerName } from "@redoubt/shared";
import { chance, type SeededAdversaryFactory } from "./adversary.ts";
import { isApplicationChange } from "./multicast-adversaries.ts";

const KEPT_MAX = 256;

interface Kept {
  readonly to: ServerName;
  readonly epoch: Epoch;
  readonly message: AnyMessage;
}

/** Keeps some changes back until it hears of a newer epoch, as a holder does that was paused; then sends them all. */
export const writeAfterEpoch: SeededAdversaryFactory = (tools) => {
  let kept: Kept[] = [];
  let newest = 0;
  return {
    id: "A25",
    title: "changes of an epoch that is over",
    bendArrival(_from, message) {
      if (message.kind !== "dispatch") return [message];
      for (const { epoch } of message.ticket.body.clusters) newest = Math.max(newest, epoch);
      return [message];
    },
    bendMessage(to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message)) return [message];
      const epoch = message.record.links[0]?.epoch ?? 0;
      const due = kept.filter((each) => each.to === to && each.epoch < newest);
      if (due.length > 0) {
        kept = kept.filter((each) => !due.includes(each));
        return [...due.map((each) => each.message), message];
      }
      if (kept.length < KEPT_MAX && chance(tools, 0.1)) {
        kept.push({ to, epoch, message });
        return [];
      }
      return [message];
    },
  };
};

/** Does not hear that its time is over, and puts its name to everything it still has while it finishes nothing quickly. */
export const neverDrain: SeededAdversaryFactory = (tools) => {
  const kept: Kept[] = [];
  return {
    id: "A35",
    title: "leases kept: it hears no refusal and holds its changes back",
    bendArrival: (_from, message) => (message.kind === "refused" ? [] : [message]),
    bendMessage(to, message): readonly AnyMessage[] {
      if (!isApplicationChange(message) || !chance(tools, 0.3)) return [message];
      const mine = kept.findIndex((each) => each.to === to);
      const [before] = mine >= 0 ? kept.splice(mine, 1) : [];
      if (kept.length < KEPT_MAX) kept.push({ to, epoch: 0, message });
      return before ? [before.message] : [];
    },
  };
};
