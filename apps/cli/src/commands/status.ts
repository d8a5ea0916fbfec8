/** `redoubt status`, `nodes`: what runs where, and what it tolerates. */
import type { Command } from "commander";
import { administer } from "../administration.ts";
import { print, printJson, printTable, state } from "../output.ts";
import { type CommonOptions, withCommonOptions } from "./shared-options.ts";

interface Confined {
  readonly name: string;
  readonly confinement?: { readonly sentence: string };
}

/** Servers that are confined alike share a line. */
function printConfinement(servers: readonly Confined[]): void {
  const byText = new Map<string, string[]>();
  for (const { name, confinement } of servers) {
    if (confinement === undefined) continue;
    byText.set(confinement.sentence, [...(byText.get(confinement.sentence) ?? []), name]);
  }
  for (const [sentence, names] of byText) print(`\nworkers of ${names.join(", ")}: ${sentence}`);
}

export function registerStatus(program: Command): void {
  withCommonOptions(
    program.command("status").description("nodes, servers, replication degrees, logs and processes"),
  ).action(async (options: CommonOptions) => {
    const { asOf: _asOf, ...status } = await administer(options.data, (administration) =>
      administration.cluster.status.query(),
    );
    if (options.json) return printJson(status);
    print(`${status.cluster.name}, profile ${status.cluster.profile}, since ${status.cluster.startedAt}\n`);
    printTable(
      ["node", "server", "pid", "state", "role"],
      status.nodes.flatMap((node) =>
        node.servers.map((server) => [node.name, server.name, server.pid ?? "–", state(server.state), server.role]),
      ),
    );
    print("");
    printTable(
      ["component", "wanted", "live", "quorum", "faults tolerated now", "by design"],
      Object.entries(status.degrees).map(([component, degree]) => [
        component,
        degree.wanted,
        degree.live,
        degree.quorum,
        degree.faultsToleratedNow,
        degree.faultsToleratedByDesign,
      ]),
    );
    printConfinement(status.nodes.flatMap(({ servers }) => servers));
    print(`\nL1 ${status.logs.L1}   L2 ${status.logs.L2}   L3 ${status.logs.L3}`);
  });
  withCommonOptions(program.command("nodes").description("nodes with their agents, slots and last heartbeat")).action(
    async (options: CommonOptions) => {
      const nodes = await administer(options.data, (administration) => administration.cluster.nodes.query());
      if (options.json) return printJson(nodes);
      printTable(
        ["node", "address", "agent pid", "state", "slots used", "last heartbeat"],
        nodes.map((node) => [
          node.name,
          node.address,
          node.pid ?? "–",
          state(node.state),
          `${node.slotsUsed}/${node.slots}`,
          node.lastHeartbeatAt ?? "never",
        ]),
      );
    },
  );
}
