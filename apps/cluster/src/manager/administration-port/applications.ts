/** Versions of the application: what there is. */
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { AdministrationError, type AdministrationPort, type ApplicationBundle } from "../../administration/index.ts";
import { type LoadedApplication, loadApplication } from "../../applications/load-application.ts";
import { describeObjects, describeOperations } from "../applications/describe.ts";
import type { PortParts } from "./parts.ts";

type ApplicationsPart = Pick<
  AdministrationPort,
  "applications" | "applicationCheck" | "applicationDeploy" | "applicationRollback"
>;

export function applicationsPart(parts: PortParts): ApplicationsPart {
  const { cluster, contract, server, registry } = parts;
  const folder = server.layout.applications;
  const refuse = (): never => {
    throw new AdministrationError("refused", "This cluster serves one version of its application only.");
  };
  return {
    async applications() {
      const { name, title, version } = contract;
      const running = registry.servers.filter(({ report }) => report?.state === "running");
      return {
        asOf: new Date().toISOString(),
        current: cluster.application,
        versions: [
          {
            hash: cluster.application,
            name,
            title,
            version,
            state: "current",
            deployedAt: new Date(cluster.createdAt).toISOString(),
            deployedBy: "first start",
            trial: null,
            operations: describeOperations(contract),
            objects: describeObjects(contract),
            servers: { loaded: running.length, of: running.length },
          },
        ],
        breakers: [],
        rollback: null,
        bundles: await otherBundles(folder, new Set([cluster.application])),
      };
    },
    applicationCheck: async () => refuse(),
    applicationDeploy: async () => refuse(),
    applicationRollback: async () => refuse(),
  };
}

/** Bundles on this node, the newest first; a folder that is no whole bundle is none. */
async function otherBundles(folder: string, known: ReadonlySet<string>): Promise<ApplicationBundle[]> {
  const hashes = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name) && !known.has(name));
  const bundles = hashes.flatMap((hash) => {
    const directory = join(folder, hash);
    const application = wholeBundle(directory);
    if (!application) return [];
    const { name, title, version } = application.contract;
    const bundledAt = statSync(join(directory, "manifest.json")).mtime.toISOString();
    return [{ hash, name, title, version, bundledAt }];
  });
  return bundles.sort((left, right) => (left.bundledAt < right.bundledAt ? 1 : -1));
}

function wholeBundle(directory: string): LoadedApplication | undefined {
  if (!existsSync(join(directory, "manifest.json"))) return undefined;
  try {
    return loadApplication(directory);
  } catch {
    return undefined;
  }
}
