/**
 * I6: the history of released replies is strictly serializable. The version order is known from the disks, so no search
 * is needed: build the graph of write-write, write-read and read-write dependencies plus real-time order, and look for
 * a cycle. Real time is woven in through one chain of completion moments, so the graph stays linear in the history.
 */
import { type Account, accountName, type BankReply, firstStamps, isDeposit } from "../bank.ts";
import {
  type Checker,
  type ClientOperation,
  type Observation,
  type Violation,
  verifiedChanges,
} from "../observation.ts";

interface Footprint {
  readonly reads: ReadonlyMap<string, string>;
  readonly writes: readonly string[];
}

/** Stamps an operation saw and the objects it wrote, from its reply alone. */
export function footprintOf(operation: ClientOperation): Footprint {
  const body =
    (JSON.parse(operation.replyText ?? "{}") as { body?: BankReply }).body ??
    (JSON.parse(operation.replyText ?? "{}") as BankReply);
  const reads = new Map(Object.entries(body.seen ?? {}).map(([object, account]) => [object, account.stamp]));
  const { from, to, account } = operation.input;
  let writes: string[] = [];
  if (operation.status === 200 && operation.operation === "transfer")
    writes = [accountName(from ?? 0), accountName(to ?? 0)];
  if (operation.status === 200 && (isDeposit(operation.operation) || operation.operation === "open"))
    writes = [accountName(account ?? 0)];
  return { reads, writes };
}

/** Per object the stamps of its verified versions, oldest first. */
function versionOrder(observation: Observation): Map<string, string[]> {
  const order = new Map([...firstStamps()].map(([account, stamp]) => [account, [stamp]]));
  for (const { record } of verifiedChanges(observation)) {
    for (const write of record?.writes ?? []) {
      const { stamp } = JSON.parse(write.bytes) as Account;
      const stamps = order.get(write.object);
      if (stamps && stamp !== stamps[0]) stamps.push(stamp);
    }
  }
  return order;
}

export const checkSerializability: Checker = (observation) => {
  const released = observation.operations.filter(
    (operation) => operation.completedAt !== undefined && (operation.status === 200 || operation.status === 422),
  );
  return checkHistory(released, versionOrder(observation));
};

/** The check itself, on a history and a version order: tested with histories that must fail. */
export function checkHistory(
  released: readonly ClientOperation[],
  order: ReadonlyMap<string, readonly string[]>,
): Violation[] {
  const violations: Violation[] = [];
  const edges: number[][] = released.map(() => []);
  const position = new Map<string, { index: number; at: Map<string, number> }>();
  for (const [object, stamps] of order)
    position.set(object, { index: 0, at: new Map(stamps.map((stamp, index) => [stamp, index])) });
  /** Node that wrote version i of an object, nodes that read it. */
  const writers = new Map<string, number>();
  const readers = new Map<string, number[]>();
  released.forEach((operation, node) => {
    const { reads, writes } = footprintOf(operation);
    for (const [object, stamp] of reads) {
      const at = position.get(object)?.at.get(stamp);
      if (at === undefined) {
        violations.push({
          invariant: "I6",
          detail: `operation ${operation.id} saw ${object} ${stamp}, which is no verified version`,
        });
      } else readers.set(`${object}#${at}`, [...(readers.get(`${object}#${at}`) ?? []), node]);
    }
    for (const object of writes) {
      const at = position.get(object)?.at.get(operation.input.stamp);
      if (at === undefined)
        violations.push({
          invariant: "I3",
          detail: `operation ${operation.id} was acknowledged, its write to ${object} is gone`,
        });
      else writers.set(`${object}#${at}`, node);
    }
  });
  for (const [object, stamps] of order) {
    // Versions whose writer got no answer are passed over: the order between their neighbours still holds.
    let lastWriter: number | undefined;
    let waitingReaders: number[] = [];
    for (let at = 0; at < stamps.length; at++) {
      const writer = writers.get(`${object}#${at}`);
      if (writer !== undefined) {
        if (lastWriter !== undefined) edges[lastWriter]?.push(writer);
        for (const reader of waitingReaders) if (reader !== writer) edges[reader]?.push(writer);
        waitingReaders = [];
        lastWriter = writer;
      }
      for (const reader of readers.get(`${object}#${at}`) ?? []) {
        if (lastWriter !== undefined && reader !== lastWriter) edges[lastWriter]?.push(reader);
        waitingReaders.push(reader);
      }
    }
  }
  addRealTime(released, edges);
  const cyclic = nodesInCycles(edges).filter((node) => node < released.length);
  if (cyclic.length > 0) {
    const ids = cyclic.slice(0, 6).map((node) => `${released[node]?.id} (${released[node]?.operation})`);
    violations.push({ invariant: "I6", detail: `no serial order for operations ${ids.join(", ")}` });
  }
  return violations;
}

/** Adds one node per completion: completion k → completion k+1; operation → its completion; last completion before an invocation → operation. */
function addRealTime(released: readonly ClientOperation[], edges: number[][]): void {
  const byCompletion = released
    .map((_, node) => node)
    .sort((left, right) => (released[left]?.completedAt ?? 0) - (released[right]?.completedAt ?? 0));
  const base = released.length;
  const times = byCompletion.map((node) => released[node]?.completedAt ?? 0);
  byCompletion.forEach((node, rank) => {
    edges[base + rank] = rank + 1 < byCompletion.length ? [base + rank + 1] : [];
    edges[node]?.push(base + rank);
  });
  released.forEach((operation, node) => {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle] as number) < operation.invokedAt) low = middle + 1;
      else high = middle;
    }
    if (low > 0) edges[base + low - 1]?.push(node);
  });
}

/** Nodes left when everything without incoming edges has been taken away: exactly those on or behind a cycle. */
function nodesInCycles(edges: readonly (readonly number[])[]): number[] {
  const incoming = new Array<number>(edges.length).fill(0);
  for (const targets of edges) for (const target of targets) incoming[target] = (incoming[target] ?? 0) + 1;
  const free = incoming.flatMap((count, node) => (count === 0 ? [node] : []));
  const left = new Set(edges.keys());
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    left.delete(node);
    for (const target of edges[node] ?? []) {
      const remaining = (incoming[target] ?? 0) - 1;
      incoming[target] = remaining;
      if (remaining === 0) free.push(target);
    }
  }
  return [...left];
}
