/** Who is on the stage: a small application, servers, clients, and the words in which journal records are told. */
import {
  type AnyMessage,
  type ChangeSummary,
  type Digest,
  type RegulatorConfigurationMessage,
  type RequestId,
  type Ticket,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { digestChange, digestText, objectClusterOf } from "../digests.ts";
import { nodeHasher as hasher } from "../testing/hasher.test-support.ts";
import type { RegulatedApplication, RegulatorRecord } from "./types.ts";

export const MASTERS = ["state-master-1", "state-master-2", "state-master-3"];
export const MEMBERS = ["state-replica-1", "state-replica-2", "state-replica-3"];
export const SERVERS = ["execution-server-1", "execution-server-2", "execution-server-3"];
export const TESTERS = ["acceptance-test-server-1", "acceptance-test-server-2"];

/** How long a quarantined `save` is held. */
export const HOLD_MS = 60_000;

export const credentialOf = (client: string): Digest => digestText(hasher, "credential", client);

/** `put {object}` writes, `get {object}` reads, `save` is a `put` that is held when quarantined, `forbidden` needs a role nobody has. */
export const application: RegulatedApplication = {
  version: "application",
  genesisObjects: [],
  operationOf: (name) => {
    if (name === "save") return { allow: [], holdMs: HOLD_MS };
    return name === "put" || name === "get"
      ? { allow: [] }
      : name === "forbidden"
        ? { allow: ["operator"] }
        : undefined;
  },
  validate: (_operation, inputText) => {
    const { object } = JSON.parse(inputText) as { object?: unknown };
    return typeof object === "string" ? [] : [{ field: "/object", expected: "text", got: typeof object }];
  },
  evaluateAccess: (operation, inputText) => {
    const { object, objects } = JSON.parse(inputText) as { object: string; objects?: readonly string[] };
    const mode = operation === "get" ? "read" : "write";
    return { ok: true, value: (objects ?? [object]).map((name) => ({ object: name, mode })) };
  },
  clusterOf: (object) => objectClusterOf(hasher, object),
  isReadOnly: (operation) => operation === "get",
  homeOf: () => undefined,
  deadlineMsOf: () => 1_000,
  genesisValue: () => undefined,
};

export const configurationOf = (
  changes: Partial<RegulatorConfigurationMessage> = {},
): RegulatorConfigurationMessage => ({
  kind: "regulatorConfiguration",
  version: 1,
  clients: ["alice", "bob", "carol", "dave"].map((id) => ({
    id,
    name: id,
    keyHash: credentialOf(id),
    roles: ["client"],
  })),
  executionServers: SERVERS.map((server) => ({ server, incarnation: "1", publicKey: `key of ${server}` })),
  acceptanceTestServers: TESTERS,
  members: MEMBERS,
  masters: MASTERS,
  faultsTolerated: 1,
  profile: "optimized",
  strictPaper: false,
  exemptAddresses: [],
  ...changes,
});

export function recordLine(name: (requestId: RequestId) => string, record: RegulatorRecord): string | undefined {
  switch (record.kind) {
    case "admitted":
      return `L3 + ${name(record.requestId)} of ${record.clientId}`;
    case "verified":
      return `L3 -> L2 ${name(record.requestId)} ${record.status}`;
    case "quarantined":
      return `L1 + ${name(record.requestId)} ${record.reason}: ${record.check}${record.blamed ? "" : " (nobody blamed)"}${record.hold ? " (held)" : ""}`;
    case "blocked":
      return `block ${record.principal ?? "-"} ${record.address ?? "-"}`;
    case "signature":
      return "signature learned";
    case "unqualified":
      return `L1 + unqualified ${record.status} ${record.problem}`;
    case "fact":
      if (record.fact.kind === "discardServer") return `fact: discard ${record.fact.server} (${record.fact.detector})`;
      if (record.fact.kind === "serverConvicted") return `fact: ${record.fact.server} convicted`;
      return undefined;
    default:
      return undefined;
  }
}

/** A message of a member that changes nothing. */
export const SIGN_OF_LIFE: AnyMessage = {
  kind: "refusalReport",
  executionServer: "execution-server-9",
  requestId: "0".repeat(64) as RequestId,
  attempt: 1,
  reason: "order",
  detail: "",
};

/** The change that an attempt makes, by any name. */
export const summaryOf = ({ ticket }: { readonly ticket: Ticket }, name = "change"): ChangeSummary => ({
  ticket: ticket.body,
  mastersEntry: ticket.mastersEntry,
  replyDigest: digestText(hasher, "summary", name),
  reads: [],
  writes: [],
  serial: 1,
  links: ticket.body.clusters.map(({ cluster, epoch }) => ({
    cluster,
    epoch,
    predecessorSerial: 0,
    follows: ZERO_DIGEST,
  })),
});

export const changeOf = (dispatched: { readonly ticket: Ticket }, name = "change"): Digest =>
  digestChange(hasher, summaryOf(dispatched, name));
