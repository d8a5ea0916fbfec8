/** Where things lie in the data folder (DESIGN §6). Secrets are 0600, their folders 0700. */
import { join } from "node:path";

export const dataLayout = (data: string) => ({
  clusterFile: join(data, "cluster.json"),
  authority: join(data, "ca"),
  secrets: join(data, "secrets"),
  adminToken: join(data, "secrets", "admin-token"),
  run: join(data, "run"),
  endpoints: join(data, "run", "endpoints.json"),
  /** Present while the cluster is being ended: nothing is to be started again. */
  ending: join(data, "run", "ending"),
  logs: join(data, "logs"),
  applications: join(data, "applications"),
  nodeFolder: (node: string) => join(data, "nodes", node),
  membership: (node: string) => join(data, "nodes", node, "membership.json"),
  serverFolder: (node: string, server: string) => join(data, "nodes", node, server),
  /** Laid down once for each first master: its journal is that of the first start, and no later one is (PROTOCOL §11). */
  firstStart: (server: string) => join(data, "first-start", server),
  journal: (node: string, server: string) => join(data, "nodes", node, server, "journal"),
  tls: (node: string, server: string) => join(data, "nodes", node, server, "tls"),
  postgres: (name: string) => join(data, "postgres", name),
});

/** What a server process runs, below `dist`, with its component as argument: start/main.ts. */
export const SERVER_ENTRY = "servers/main.cjs";

/** Files in a server's tls folder. */
export const TLS_FILES = {
  certificate: "certificate.pem",
  privateKey: "private-key.pem",
  authority: "authority.pem",
  /** Ed25519 key an execution server signs evidence with. */
  evidenceKey: "evidence-key.pem",
} as const;
