/**
 * Which server runs on which node (paper §3.5). Pure and stable: what runs stays where it is; only what is added or
 * removed moves. Servers of one component are spread over the nodes, so that one node's loss costs a group as little as
 * possible; traffic regulator and configuration manager are never on the same node (PROTOCOL §12).
 */
import { type Component, fail, ok, type Result, type ServerName } from "@redoubt/shared";

export type ServerComponent = Exclude<Component, "node-agent">;

export interface Placement {
  readonly server: ServerName;
  readonly component: ServerComponent;
  readonly node: string;
}

export interface PlaceableNode {
  readonly name: string;
  readonly slots: number;
}

export type WantedCounts = Readonly<Partial<Record<ServerComponent, number>>>;

export interface PlacementFailure {
  readonly component: ServerComponent;
  /** Servers that found no node: slots that are missing. */
  readonly missing: number;
}

/** Placed first come first: the trusted few before the many. */
const ORDER: readonly ServerComponent[] = [
  "configuration-manager",
  "traffic-regulator",
  "state-master",
  "state-replica",
  "execution-server",
  "acceptance-test-server",
];

const APART: Readonly<Partial<Record<ServerComponent, ServerComponent>>> = {
  "configuration-manager": "traffic-regulator",
  "traffic-regulator": "configuration-manager",
};

export function serverNumber(server: ServerName): number {
  return Number(server.slice(server.lastIndexOf("-") + 1));
}

/** The placement with exactly the wanted counts, or which component lacks how many slots. */
export function placeServers(
  nodes: readonly PlaceableNode[],
  wanted: WantedCounts,
  current: readonly Placement[],
): Result<Placement[], PlacementFailure> {
  const known = new Set(nodes.map((node) => node.name));
  const placed = keepWanted(
    current.filter((placement) => known.has(placement.node)),
    wanted,
  );
  for (const component of ORDER) {
    const numbers = new Set(
      placed.filter((placement) => placement.component === component).map(({ server }) => serverNumber(server)),
    );
    const count = wanted[component] ?? 0;
    for (let number = 1; numbers.size < count; number++) {
      if (numbers.has(number)) continue;
      const node = chooseNode(nodes, placed, component);
      if (!node) return fail({ component, missing: count - numbers.size });
      placed.push({ server: `${component}-${number}`, component, node: node.name });
      numbers.add(number);
    }
  }
  return ok(placed);
}

/** Of what runs, the lowest-numbered of each component up to the wanted count. */
function keepWanted(current: readonly Placement[], wanted: WantedCounts): Placement[] {
  return ORDER.flatMap((component) =>
    current
      .filter((placement) => placement.component === component)
      .sort((left, right) => serverNumber(left.server) - serverNumber(right.server))
      .slice(0, wanted[component] ?? 0),
  );
}

function chooseNode(
  nodes: readonly PlaceableNode[],
  placed: readonly Placement[],
  component: ServerComponent,
): PlaceableNode | undefined {
  const apart = APART[component];
  const candidates = nodes
    .map((node, index) => {
      const here = placed.filter((placement) => placement.node === node.name);
      return { node, index, here, same: here.filter((placement) => placement.component === component).length };
    })
    .filter(({ node, here }) => here.length < node.slots)
    .sort((left, right) => left.same - right.same || left.here.length - right.here.length || left.index - right.index);
  const alone = candidates.filter(({ here }) => !here.some((placement) => placement.component === apart));
  // On a single node there is no choice; the rule gives way to running at all.
  return (alone[0] ?? (nodes.length === 1 ? candidates[0] : undefined))?.node;
}
