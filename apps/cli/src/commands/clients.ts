/** `redoubt client`: who may call the protected service. */
import type { Command } from "commander";
import { administer } from "../administration.ts";
import { note, print, printJson, printTable } from "../output.ts";
import { type CommonOptions, withCommonOptions } from "./shared-options.ts";

export function registerClients(program: Command): void {
  const client = program.command("client").description("clients of the protected service and their keys");
  withCommonOptions(
    client
      .command("add <name>")
      .description("make a client; its key is shown this once")
      .option("--role <role...>", "roles of the client", []),
  ).action(async (name: string, options: CommonOptions & { role: string[] }) => {
    const added = await administer(options.data, (administration) =>
      administration.clients.add.mutate({ client: name, roles: options.role }),
    );
    if (options.json) return printJson({ client: added.client, key: added.key });
    print(added.key);
    note("shown this once; the cluster keeps only a hash of it");
  });
  withCommonOptions(client.command("list").description("all clients")).action(async (options: CommonOptions) => {
    const clients = await administer(options.data, (administration) => administration.clients.list.query());
    if (options.json) return printJson(clients);
    printTable(
      ["client", "roles", "since", "state"],
      clients.map((entry) => [
        entry.client,
        entry.roles.join(" ") || "–",
        entry.createdAt,
        entry.revokedAt ? `revoked ${entry.revokedAt}` : entry.blocked ? "blocked" : "active",
      ]),
    );
  });
  withCommonOptions(client.command("revoke <name>").description("its key is refused from now on")).action(
    async (name: string, options: CommonOptions) => {
      await administer(options.data, (administration) => administration.clients.revoke.mutate({ client: name }));
      if (options.json) printJson({ client: name, revoked: true });
      else print(`${name} is revoked`);
    },
  );
}
