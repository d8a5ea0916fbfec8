/**
 * The environment of every process of the cluster, parsed once. The only file that reads `process.env`. A node agent
 * writes these variables for the servers it starts; `redoubt up` writes them for the agents.
 */
import { COMPONENTS } from "@redoubt/shared";
import { z } from "zod";

const port = z.coerce.number().int().min(1).max(65_535);

const serverSchema = z.object({
  /** What this process is. */
  REDOUBT_COMPONENT: z.enum(COMPONENTS),
  /** Its name in the cluster, `<component>-<n>` (a node's name for its agent). */
  REDOUBT_SERVER: z.string().min(1).max(64),
  REDOUBT_CLUSTER: z.string().min(1).max(64),
  REDOUBT_NODE: z.string().min(1).max(64),
  /** Address and port it listens on for links of other servers. */
  REDOUBT_ADDRESS: z.string().min(1),
  REDOUBT_PORT: port,
  /** The cluster's data folder. */
  REDOUBT_DATA: z.string().min(1),
  /** Names this life of the server; new at every start. */
  REDOUBT_INCARNATION: z.string().min(1).max(64),
  /** Settings of the component, a JSON object of texts (`ServerOrder.settings`). */
  REDOUBT_SETTINGS: z.string().default("{}"),
  REDOUBT_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
});

export interface ServerEnvironment {
  readonly component: (typeof COMPONENTS)[number];
  readonly server: string;
  readonly cluster: string;
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly data: string;
  readonly incarnation: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly logLevel: "debug" | "info" | "warn" | "error";
}

/** Throws an error that names every variable at fault and what was expected. */
export function readServerEnvironment(source: NodeJS.ProcessEnv = process.env): ServerEnvironment {
  const parsed = serverSchema.safeParse(source);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`environment of this process is incomplete: ${problems.join("; ")}`);
  }
  const value = parsed.data;
  const settings = z.record(z.string(), z.string()).safeParse(JSON.parse(value.REDOUBT_SETTINGS));
  if (!settings.success) throw new Error("REDOUBT_SETTINGS: a JSON object of texts expected");
  return {
    component: value.REDOUBT_COMPONENT,
    server: value.REDOUBT_SERVER,
    cluster: value.REDOUBT_CLUSTER,
    node: value.REDOUBT_NODE,
    address: value.REDOUBT_ADDRESS,
    port: value.REDOUBT_PORT,
    data: value.REDOUBT_DATA,
    incarnation: value.REDOUBT_INCARNATION,
    settings: settings.data,
    logLevel: value.REDOUBT_LOG_LEVEL,
  };
}

/** The variables from which {@link readServerEnvironment} reads the same back. Nothing else of ours is passed on. */
export function writeServerEnvironment(environment: ServerEnvironment): Record<string, string> {
  return {
    REDOUBT_COMPONENT: environment.component,
    REDOUBT_SERVER: environment.server,
    REDOUBT_CLUSTER: environment.cluster,
    REDOUBT_NODE: environment.node,
    REDOUBT_ADDRESS: environment.address,
    REDOUBT_PORT: String(environment.port),
    REDOUBT_DATA: environment.data,
    REDOUBT_INCARNATION: environment.incarnation,
    REDOUBT_SETTINGS: JSON.stringify(environment.settings),
    REDOUBT_LOG_LEVEL: environment.logLevel,
  };
}

/** PATH and the like for child processes; never our own variables or secrets. */
export function inheritedEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ["PATH", "HOME", "LANG", "TZ", "NODE_EXTRA_CA_CERTS"]) {
    const value = process.env[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
