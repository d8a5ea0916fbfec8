/**
 * Several clients create the same objects at the same time, again and again, while the leases move and execution servers
 * die between the two (REQUIREMENTS R50). In half of the worlds execution servers are captured that create again what is
 * there already: what they were to refuse goes out as a second creation, from nothing.
 */
import type { SeededAdversaryFactory } from "@redoubt/adversary";
import { absent } from "@redoubt/protocol";
import type { ChangeRecord } from "@redoubt/shared";
import { ACCOUNTS, accountName, type BankInput, OPENABLE } from "../bank.ts";
import { seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const RIVALS = 5;
const DISTURBANCES = 6;

export const rivalCreations =
  (isCaptured: boolean) =>
  (plan: WorldPlan): WorldPlan => {
    const random = seededRandom(plan.seed).fork("rival creations");
    const events = Array.from({ length: DISTURBANCES }, (_, index) => {
      const when = { atMs: 290 + index * 15 + random.between(0, 15), lastsMs: random.between(5, 60) };
      const server = `execution-server-${1 + random.below(3)}`;
      return index % 2 === 0
        ? ({ ...when, kind: "leaseMove" } as const)
        : ({ ...when, kind: "crash", servers: [server] } as const);
    });
    return {
      ...plan,
      shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, masters: 3, executionServers: 3 },
      clients: Array.from({ length: RIVALS }, (_, index) => {
        const name = `honest-${index + 1}`;
        return { name, operations: OPENABLE + 4, attacks: [], thinkMs: 2, script: scriptOf(name) };
      }),
      faults: { network: { loss: 0.01, duplication: 0.01, reordering: 0.1, delayMs: 1 }, events },
      behavioursOf: (server, life) =>
        isCaptured && server.startsWith("execution-server") && life <= 2 ? [createsAgain] : [],
      faultyReplicas: new Set(),
    };
  };

/** Everybody opens the same accounts in the same order. */
const scriptOf = (client: string) =>
  Array.from({ length: OPENABLE }, (_, index) => {
    const stamp = `${client}-opens-${index}`;
    const input: BankInput = { account: ACCOUNTS + index, stamp };
    return { operation: "open" as const, input, key: stamp };
  });

const createsAgain: SeededAdversaryFactory = () => ({
  id: "creates-again",
  title: "a second creation of an object instead of a refusal",
  bendMessage(_to, message) {
    if (message.kind !== "change" || message.record.ticket.body.operation !== "open") return [message];
    const { record } = message;
    return record.writes.length > 0 ? [message] : [{ ...message, record: createdFromNothing(record) }];
  },
});

function createdFromNothing(record: ChangeRecord): ChangeRecord {
  const [link] = record.links;
  const { account, stamp } = JSON.parse(record.input) as BankInput;
  const object = accountName(account ?? 0);
  const { number, epoch, c1 } = absent(object);
  return {
    ...record,
    reads: [absent(object)],
    writes: [
      {
        ...{ object, number: 1, epoch: link?.epoch ?? epoch },
        parent: { number, epoch, c1 },
        bytes: JSON.stringify({ balance: 0, stamp }),
      },
    ],
    reply: JSON.stringify({ body: { seen: { [object]: { balance: 0, stamp: "none" } } }, status: 200 }),
  };
}
