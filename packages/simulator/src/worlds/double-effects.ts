/**
 * Every execution server makes some deposits twice: a second change of the same request, in its turn, on the newest version,
 * computed as if the request had come again. Only the request's record stands in its way.
 */
import type { SeededAdversaryFactory } from "@redoubt/adversary";
import { computeC1, digestChange, summarize } from "@redoubt/protocol";
import type { ChangeRecord } from "@redoubt/shared";
import { type Account, type BankInput, canonical } from "../bank.ts";
import { CALM } from "../network.ts";
import type { WorldPlan } from "../world.ts";

const CHANCE = 0.3;

const doubling: SeededAdversaryFactory = ({ hasher, random }) => {
  const decided = new Map<string, ChangeRecord | undefined>();
  const again = (record: ChangeRecord): ChangeRecord | undefined => {
    const [write] = record.writes;
    if (!write || record.ticket.body.operation !== "deposit" || random() >= CHANCE) return undefined;
    const { object, number, epoch } = write;
    const before = JSON.parse(write.bytes) as Account;
    const { amount = 0 } = JSON.parse(record.input) as BankInput;
    const newest = { object, number, epoch, c1: computeC1(hasher, write, record.ticket.body.requestId) };
    const follows = digestChange(hasher, summarize(hasher, record));
    return {
      ...record,
      reads: [newest],
      writes: [
        {
          ...{ object, number: number + 1, epoch, parent: newest },
          bytes: canonical({ balance: before.balance + amount, stamp: before.stamp }),
        },
      ],
      reply: canonical({ status: 200, body: { seen: { [object]: before } } }),
      serial: record.serial + 1,
      links: record.links.map((link) => ({ ...link, predecessorSerial: record.serial, follows })),
    };
  };
  return {
    id: "S-double",
    title: "one request executed twice",
    bendMessage(_to, message) {
      if (message.kind !== "change") return [message];
      const { record } = message;
      const name = `${record.ticket.body.requestId}/${record.ticket.body.attempt}`;
      if (!decided.has(name)) decided.set(name, again(record));
      const second = decided.get(name);
      return second ? [message, { ...message, record: second }] : [message];
    },
  };
};

export function doubled(plan: WorldPlan): WorldPlan {
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3 },
    clients: Array.from({ length: 4 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 25, attacks: [] })),
    faults: { network: CALM, events: [] },
    behavioursOf: (server, life) => (server.startsWith("execution-server") && life % 2 === 1 ? [doubling] : []),
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}
