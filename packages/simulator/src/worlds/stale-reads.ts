/**
 * Every execution server answers reads from the past: what it reads was written, by itself even, but is no longer the newest.
 * The acceptance test has nothing against it; only the members' look at their newest versions does.
 */
import type { SeededAdversaryFactory } from "@redoubt/adversary";
import { computeC1 } from "@redoubt/protocol";
import type { ChangeRecord, VersionReference } from "@redoubt/shared";
import { type Account, type BankInput, canonical } from "../bank.ts";
import { CALM } from "../network.ts";
import type { WorldPlan } from "../world.ts";

const CHANCE = 0.2;

const staleReads: SeededAdversaryFactory = ({ hasher, random }) => {
  const past = new Map<string, { readonly reference: VersionReference; readonly account: Account }>();
  const decided = new Map<string, ChangeRecord>();
  /** Remembers the version before the one it writes now. */
  const learn = ({ writes, ticket }: ChangeRecord): void => {
    for (const write of writes) {
      const { object, number, epoch, bytes } = write;
      const reference = { object, number, epoch, c1: computeC1(hasher, write, ticket.body.requestId) };
      if (!past.has(object)) past.set(object, { reference, account: JSON.parse(bytes) as Account });
    }
  };
  const rewritten = (record: ChangeRecord): ChangeRecord => {
    const { accounts = [] } = JSON.parse(record.input) as BankInput;
    const object = record.reads[0]?.object;
    const old = object === undefined ? undefined : past.get(object);
    if (!old || accounts.length !== 1 || random() >= CHANCE) return record;
    const reply = canonical({ status: 200, body: { seen: { [old.reference.object]: old.account } } });
    return { ...record, reads: [old.reference], reply };
  };
  return {
    id: "S-stale",
    title: "reads answered from the past",
    bendMessage(_to, message) {
      if (message.kind !== "change") return [message];
      const { record } = message;
      const { requestId, attempt, operation } = record.ticket.body;
      if (operation !== "read") {
        if (operation !== "genesis") learn(record);
        return [message];
      }
      const name = `${requestId}/${attempt}`;
      const told = decided.get(name) ?? rewritten(record);
      decided.set(name, told);
      return told === record ? [message] : [{ ...message, record: told }];
    },
  };
};

export function staleReaders(plan: WorldPlan): WorldPlan {
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3 },
    clients: Array.from({ length: 6 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 40, attacks: [] })),
    faults: { network: CALM, events: [] },
    behavioursOf: (server, life) => (server.startsWith("execution-server") && life % 2 === 1 ? [staleReads] : []),
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}
