/**
 * Messages of operation: node agents, servers and the configuration manager among themselves (paper §3.5, §3.6). They
 * travel over the same mutual-TLS links as the request path but never reach a core of the request path.
 */
import type { AttemptReport } from "./attempts.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { Component } from "./components.ts";
import type { ServerName } from "./ids.ts";

export interface PeerAddress {
  readonly server: ServerName;
  readonly component: Component;
  readonly address: string;
  readonly port: number;
}

/** Versions of the application by content address. Which of them admits requests only the regulator needs to know. */
export type ApplicationDirectory = {
  /** All that were ever chosen: requests and versions of objects may name any of them. */
  readonly known: readonly string[];
  /** Those for which workers are to be ready: the current one, the one to go back to, the one that is coming. */
  readonly ready: readonly string[];
};

/** Manager → everybody: who is where, and whose certificates no longer count. Kept on disk by agents for cold starts. */
export type DirectoryMessage = {
  readonly kind: "directory";
  readonly version: number;
  readonly peers: readonly PeerAddress[];
  readonly revokedSerials: readonly string[];
  /** Absent before the first order: the version the cluster was made with. */
  readonly applications?: ApplicationDirectory;
};

/** What a node agent has to run. */
export interface ServerOrder {
  readonly server: ServerName;
  readonly component: Component;
  readonly port: number;
  /** `killed` is `stopped` by SIGKILL, for rehearsals of a crash; neither is started again before it is `running` once more. */
  readonly desired: "running" | "stopped" | "killed" | "isolated";
  /** Changes when the process must be replaced: an agent ends a process of an older incarnation first. */
  readonly incarnation: string;
  /** Further settings for the process's environment, e.g. the Postgres port of a master. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A process that is no server of the cluster: it has no certificate and no links. */
export interface CompanionOrder {
  readonly name: "console";
  readonly incarnation: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** Manager → agent: the whole membership of its node, signed (Ed25519) so that the agent can start it without a manager (PROTOCOL §12). */
export type MembershipMessage = {
  readonly kind: "membership";
  readonly version: number;
  readonly node: string;
  readonly servers: readonly ServerOrder[];
  /** Processes beside the cluster's servers that run on this node: the console. */
  readonly companions: readonly CompanionOrder[];
  readonly directory: DirectoryMessage;
  /** Ed25519 of the manager's membership key over {@link membershipText}, hexadecimal. */
  readonly signature: string;
};

/** Agent → manager: make a certificate for this key. */
export type CertifyMessage = {
  readonly kind: "certify";
  readonly server: ServerName;
  readonly component: Component;
  readonly incarnation: string;
  readonly publicKeyPem: string;
};
/** Manager → agent. */
export type CertificateMessage = {
  readonly kind: "certificate";
  readonly server: ServerName;
  readonly incarnation: string;
  readonly certificatePem: string;
  readonly serial: string;
};

/** What is signed of a membership. */
export const membershipText = (membership: Omit<MembershipMessage, "signature">): string =>
  canonicalJson({
    version: membership.version,
    node: membership.node,
    servers: membership.servers,
    companions: membership.companions,
    directory: membership.directory,
  });

export interface ServerReport {
  readonly server: ServerName;
  readonly component: Component;
  readonly incarnation: string;
  readonly state: "starting" | "running" | "exited" | "stopped" | "isolated";
  readonly pid: number | null;
  /** Serial of the certificate this process runs with; empty before there is one. */
  readonly serial: string;
  /** Ed25519 public key of an execution server's evidence; empty for others. */
  readonly evidenceKeyPem: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** How the process before this one ended, when one did. */
  readonly lastExit?: { readonly incarnation: string; readonly at: number; readonly cause: string };
}

/** Agent → manager, every 500 ms and at once on a change (R90). */
export type HealthReportMessage = {
  readonly kind: "healthReport";
  readonly node: string;
  readonly pid: number;
  readonly at: number;
  readonly membershipVersion: number;
  readonly servers: readonly ServerReport[];
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  readonly host: { readonly load: number; readonly memoryFreeBytes: number; readonly memoryTotalBytes: number };
};

/** `disk-full`: nothing is acknowledged until there is room again. */
export const SERVER_CONDITIONS = ["disk-full"] as const;
export type ServerCondition = (typeof SERVER_CONDITIONS)[number];

/** How an execution server's workers are confined, the strongest that works on its machine (ADR 0015). */
export interface Confinement {
  /** Layers in force, the outermost first. */
  readonly means: readonly string[];
  /** One sentence for administrators: what is in force, and what is missing. */
  readonly sentence: string;
}

/** Server → manager: I am ready / this is what I see; every second (process detector, "who sees whom"). */
export type ServerHealthMessage = {
  readonly kind: "serverHealth";
  readonly server: ServerName;
  readonly incarnation: string;
  readonly pid: number;
  readonly ready: boolean;
  readonly role: string;
  readonly counters: Readonly<Record<string, number>>;
  /** Postgres and worker processes this server started. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  /** Messages outside the table of who may send what, links refused and the like. */
  readonly violations: readonly { readonly at: number; readonly peer: string; readonly reason: string }[];
  /** Versions of the application it can serve at once. */
  readonly applications?: readonly string[] | undefined;
  /** Something that keeps it from serving although it runs; absent when all is well. */
  readonly condition?: ServerCondition | undefined;
  /** Of an execution server, as it says itself. */
  readonly confinement?: Confinement | undefined;
  /** What was tried in its workers since the last report; bounded. */
  readonly attempts?: readonly AttemptReport[] | undefined;
};

/** Manager → agent: freeze (isolate for forensics), thaw or end a process. */
export type ProcessOrderMessage = {
  readonly kind: "processOrder";
  readonly server: ServerName;
  readonly incarnation: string;
  readonly action: "isolate" | "shutDown";
};

export type ControlMessage =
  | DirectoryMessage
  | MembershipMessage
  | CertifyMessage
  | CertificateMessage
  | HealthReportMessage
  | ServerHealthMessage
  | ProcessOrderMessage;

/** Rows of the table "who may send what" for control messages: kind → sender → receivers. */
export const MAY_SEND_CONTROL: Readonly<
  Record<
    ControlMessage["kind"],
    { readonly from: readonly Component[] | "any"; readonly to: readonly Component[] | "any" }
  >
> = {
  directory: { from: ["configuration-manager"], to: "any" },
  membership: { from: ["configuration-manager"], to: ["node-agent"] },
  certify: { from: ["node-agent"], to: ["configuration-manager"] },
  certificate: { from: ["configuration-manager"], to: ["node-agent"] },
  healthReport: { from: ["node-agent"], to: ["configuration-manager"] },
  serverHealth: { from: "any", to: ["configuration-manager"] },
  processOrder: { from: ["configuration-manager"], to: ["node-agent"] },
};

export const isControlKind = (kind: string): kind is ControlMessage["kind"] => Object.hasOwn(MAY_SEND_CONTROL, kind);
