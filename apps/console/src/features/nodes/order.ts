/** Problem nodes first (CONSOLE §1.1): a troubled one must never hide in a long list. Pure. */
import type { NodeState, ServerState } from "@redoubt/shared";

export interface ShownNode {
  name: string;
  state: NodeState;
  slots: number;
  servers: readonly { name: string; state: ServerState }[];
}

const urgency: Record<NodeState, number> = {
  down: 0,
  isolated: 1,
  flapping: 2,
  suspect: 3,
  unknown: 4,
  rejuvenating: 5,
  up: 6,
};

function troubleOf(node: ShownNode): number {
  const troubledServers = node.servers.some(({ state }) => state !== "up");
  return urgency[node.state] * 2 + (troubledServers ? 0 : 1);
}

export function orderByTrouble<Node extends ShownNode>(nodes: readonly Node[]): Node[] {
  return nodes.toSorted(
    (one, other) => troubleOf(one) - troubleOf(other) || one.name.localeCompare(other.name, "en", { numeric: true }),
  );
}

/** "node-3 down; state-replica-2 suspect": what the banner names. */
export function troublesOf(nodes: readonly ShownNode[]): string[] {
  return orderByTrouble(nodes).flatMap((node) => [
    ...(node.state === "up" ? [] : [`${node.name} is ${node.state}`]),
    ...node.servers.filter(({ state }) => state !== "up").map(({ name, state }) => `${name} is ${state}`),
  ]);
}
