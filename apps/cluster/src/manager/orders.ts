/** What a node agent is told to run for each placed server: port, incarnation, settings. The same for the same placement, so that a new manager restarts nothing. */
import type { ServerComponent } from "@redoubt/protocol";
import { serverNumber } from "@redoubt/protocol";
import type { CompanionOrder, PeerAddress, ServerName, ServerOrder } from "@redoubt/shared";
import type { ClusterFile } from "../launch/cluster-file.ts";
import { portsOf } from "../runtime/ports.ts";

export interface PlacedServer {
  readonly server: ServerName;
  readonly component: ServerComponent;
  readonly node: string;
  readonly incarnation: string;
  readonly entry?: string | undefined;
  /** Not only the next process runs it. */
  readonly entryLasts?: boolean | undefined;
  readonly ended?: "stopped" | "killed" | undefined;
}

/** As the launcher ordered it: a manager that changed its own order would have itself restarted. */
export const FIRST_INCARNATION = "1";

const namesOf = (placement: readonly PlacedServer[], component: ServerComponent): string =>
  placement
    .filter((placed) => placed.component === component)
    .map(({ server }) => server)
    .sort((left, right) => serverNumber(left) - serverNumber(right))
    .join(",");

export function orderOf(placed: PlacedServer, placement: readonly PlacedServer[], cluster: ClusterFile): ServerOrder {
  const { server, component, incarnation, entry, entryLasts, ended } = placed;
  const port = portsOf(cluster.portBase).server(component, serverNumber(server));
  const settings = {
    ...settingsOf(placed, placement, cluster),
    ...(entry === undefined ? {} : { entry, ...(entryLasts ? { entryLasts: "true" } : {}) }),
  };
  return { server, component, port, desired: ended ?? "running", incarnation, settings };
}

function settingsOf(
  { server, component }: PlacedServer,
  placement: readonly PlacedServer[],
  cluster: ClusterFile,
): Record<string, string> {
  if (component === "configuration-manager") return {};
  const ports = portsOf(cluster.portBase);
  const common = {
    application: cluster.application,
    masters: namesOf(placement, "state-master"),
    regulators: namesOf(placement, "traffic-regulator"),
    managers: namesOf(placement, "configuration-manager"),
    profile: cluster.profile,
  };
  if (component === "state-master") {
    const number = serverNumber(server);
    const { metadataRetentionMs } = cluster.settings;
    return {
      ...common,
      ...(metadataRetentionMs === undefined ? {} : { metadataRetentionMs }),
      postgres: `master-${number}`,
      postgresPort: String(ports.masterPostgres(number)),
      keepDatabase: "true",
    };
  }
  if (component === "traffic-regulator") {
    return {
      ...common,
      strictPaper: String(cluster.strictPaper),
      clientApiAddress: "127.0.0.1",
      clientApiPort: String(ports.clientApi),
      nodeAddresses: cluster.nodes.map(({ address }) => address).join(","),
    };
  }
  return component === "state-replica" ? { ...cluster.settings, ...common } : common;
}

/** The console runs beside the manager. */
export function companionsOf(node: string, placement: readonly PlacedServer[], cluster: ClusterFile): CompanionOrder[] {
  const home = placement.find(({ component }) => component === "configuration-manager")?.node;
  if (node !== home) return [];
  const ports = portsOf(cluster.portBase);
  const settings = { port: String(ports.console), authPostgresPort: String(ports.authPostgres) };
  return [{ name: "console", incarnation: FIRST_INCARNATION, settings }];
}

/** Everybody's address: agents first, then servers by name. */
export function peersOf(placement: readonly PlacedServer[], cluster: ClusterFile): PeerAddress[] {
  const ports = portsOf(cluster.portBase);
  const addresses = new Map(cluster.nodes.map(({ name, address }) => [name, address]));
  const agents = cluster.nodes.map(({ name, address, port }) => ({
    server: name,
    component: "node-agent" as const,
    address,
    port,
  }));
  const servers = placement.map(({ server, component, node }) => ({
    server,
    component,
    address: addresses.get(node) ?? "127.0.0.1",
    port: ports.server(component, serverNumber(server)),
  }));
  return [...agents, ...servers.sort((left, right) => (left.server < right.server ? -1 : 1))];
}
