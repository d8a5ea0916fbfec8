/** The eight evidence blocks an administrator decides on (CONSOLE §2), from the record of the request and what is known around it. */
import { evaluateAccess, operationOf } from "@redoubt/application";
import type { QuarantineRow } from "@redoubt/database";
import { quarantineReasonOf } from "@redoubt/protocol";
import { checkTitle, type QuarantineState, type RequestHop, type RequestTraceSeen } from "@redoubt/shared";
import type { QuarantineItem, QuarantineSummary, SimilarRequest } from "../../administration/index.ts";
import type { PortParts } from "./parts.ts";

const SIMILAR_MAX = 20;

export function toSummary(row: QuarantineRow): QuarantineSummary {
  return {
    requestId: row.requestId,
    operation: row.operation,
    title: row.title,
    client: row.client ?? "unknown",
    host: row.host,
    reason: quarantineReasonOf(row.reason),
    check: row.check,
    at: row.at.toISOString(),
    state: row.state as QuarantineState,
    severity: row.severity === "high" ? "high" : "low",
    claimedBy: claimOf(row),
    onQuarantine: row.held ? "hold" : "reject",
    heldUntil: heldUntil(row),
  };
}

const heldUntil = ({ held, expiresAt, state }: QuarantineRow): string | null =>
  held && state !== "released" && state !== "confirmed" && state !== "expired"
    ? (expiresAt?.toISOString() ?? null)
    : null;

const claimOf = (row: QuarantineRow): string | null =>
  row.claimedUntil !== null && row.claimedUntil.getTime() > Date.now() ? row.reviewer : null;

interface Evidence {
  readonly detail: string;
  readonly executionServer: string;
  readonly blamed: boolean;
  /** What the regulator saw on the way here; empty when a signature stopped it at the door. */
  readonly hops: readonly RequestHop[];
}

function evidenceOf(row: QuarantineRow): Evidence {
  const { detail, executionServer, evidence } = (row.detail ?? {}) as Record<string, unknown>;
  return {
    detail: typeof detail === "string" ? detail : "",
    executionServer: typeof executionServer === "string" ? executionServer : "",
    blamed: (evidence as { blamed?: unknown } | undefined)?.blamed !== false,
    hops: (evidence as { trace?: RequestTraceSeen } | undefined)?.trace?.hops ?? [],
  };
}

export async function quarantineItem(parts: PortParts, row: QuarantineRow): Promise<QuarantineItem> {
  const { contract } = parts;
  const evidence = evidenceOf(row);
  const payload = await parts.database.answering((store) => store.quarantine.payload(row.requestId));
  const text = payload ? Buffer.from(payload).toString("utf8") : "";
  const operation = operationOf(contract, row.operation);
  return {
    ...toSummary(row),
    asOf: new Date().toISOString(),
    verdict: {
      sentence: verdictSentence(row, evidence),
      at: row.at.toISOString(),
      source: quarantineReasonOf(row.reason),
      testers: failingTesters(evidence),
    },
    request: {
      method: "POST",
      route: operation?.route?.path ?? `/v1/operations/${row.operation}`,
      principal: row.client ?? "unknown",
      host: row.host,
      hostNote: hostNote(parts, row.host),
      receivedAt: row.at.toISOString(),
      sizeBytes: Buffer.byteLength(text),
      contentType: "application/json",
      idempotencyKey: null,
      sequence: null,
    },
    did: {
      executionServer: evidence.executionServer === "" ? null : evidence.executionServer,
      attempts: row.attempt,
      objects: await objectsOf(parts, row, text, evidence.executionServer !== ""),
      reply: { status: null, released: false, leakFindings: row.reason === "leak" ? [evidence.detail] : [] },
    },
    confidence: await confidenceOf(parts, evidence),
    history: await historyOf(parts, row),
    replay: replayOf(row, evidence),
    consequences: consequencesOf(row),
    who: whoOf(row),
  };
}

/** Those who found it wrong. */
const failingTesters = ({ hops }: Evidence): string[] => [
  ...new Set(
    hops.flatMap((hop) => ("verdict" in hop && hop.verdict?.kind === "fail" && "server" in hop ? [hop.server] : [])),
  ),
];

function verdictSentence(row: QuarantineRow, { detail }: Evidence): string {
  const why = detail === "" ? "" : `: ${detail}`;
  if (row.reason === "signature" || row.reason === "rule")
    return `Quarantined because it matched ${row.reason} ${row.check}${why}`;
  return `Quarantined because the check “${checkTitle(row.check)}” failed (${row.check})${why}`;
}

function hostNote({ cluster }: PortParts, host: string): string | null {
  if (cluster.nodes.some(({ address }) => address === host)) return "This is the address of a node of the cluster.";
  if (host === "127.0.0.1" || host.startsWith("127.0."))
    return "This is the machine's own address, shared by everybody on it: it is never blocked.";
  return null;
}

type Touched = QuarantineItem["did"]["objects"];

/** Objects whose replicas are asked what the request left there. */
const OBJECTS_ASKED_MAX = 16;
/** A void version is remembered near the head of its time; further back nobody looks. */
const VERSIONS_BACK = 100;

/** The objects that the operation declares for this input, with what the request's own execution stored of them. */
async function objectsOf(parts: PortParts, row: QuarantineRow, text: string, wasExecuted: boolean): Promise<Touched> {
  const declared = declaredObjects(parts, row.operation, text);
  if (!wasExecuted) return declared;
  return Promise.all(
    declared.map(async (object, index) =>
      index < OBJECTS_ASKED_MAX && object.mode === "written"
        ? { ...object, versions: await versionsLeft(parts, object.object, row.requestId) }
        : object,
    ),
  );
}

function declaredObjects({ contract }: PortParts, operation: string, text: string): Touched {
  try {
    const access = evaluateAccess(contract, operation, JSON.parse(text));
    if (!access.ok) return [];
    return access.value.map(({ object, mode }) => ({
      object,
      mode: mode === "read" ? ("read" as const) : ("written" as const),
      allowed: true,
      versions: [],
    }));
  } catch {
    return [];
  }
}

/** Versions that replicas remember of a request: void ones, since nothing of it was verified. Silent replicas are left out. */
async function versionsLeft(
  { state }: PortParts,
  object: string,
  requestId: string,
): Promise<Touched[number]["versions"]> {
  const [newest] = (await state.objectVersions(object, 1))?.versions ?? [];
  const from = Math.max(1, (newest?.number ?? 1) - VERSIONS_BACK);
  const described = await state.describe(object, { from, to: Number.MAX_SAFE_INTEGER });
  return versionsOfRequest(described, requestId);
}

/** Pure. */
export function versionsOfRequest(
  described: Awaited<ReturnType<PortParts["state"]["describe"]>>,
  requestId: string,
): Touched[number]["versions"] {
  const versions = new Map<string, Touched[number]["versions"][number]>();
  for (const { server, versions: held } of described) {
    for (const version of held) {
      if (version.requestId !== requestId) continue;
      const { number, epoch, status, c1 } = version;
      const known = versions.get(`${number}.${epoch}`) ?? { number, epoch, status, c1: [] };
      known.c1.push({ server, c1 });
      versions.set(`${number}.${epoch}`, known);
    }
  }
  return [...versions.values()].sort((left, right) => left.number - right.number || left.epoch - right.epoch);
}

async function confidenceOf(
  { database, registry }: PortParts,
  { executionServer, hops }: Evidence,
): Promise<QuarantineItem["confidence"]> {
  const incidents = await database.answering((store) => store.incidents.list({ limit: 500, openOnly: false }));
  const failures = incidents.filter(
    ({ kind, subject }) => kind === "server-discarded" && subject === executionServer,
  ).length;
  const view = registry.server(executionServer);
  const { acceptedElsewhere, sentence } = coincidence(hops, executionServer, failures);
  return {
    executionServerFailures: failures,
    executionServerState: view?.state ?? "unknown",
    overloaded: null,
    intrusionAlerts: null,
    acceptedElsewhere,
    sentence,
  };
}

/** What speaks for or against coincidence: on which servers it failed, and whether it passed on any. Pure. */
export function coincidence(
  hops: readonly RequestHop[],
  executionServer: string,
  failures: number,
): { readonly acceptedElsewhere: boolean | null; readonly sentence: string } {
  const judged = hops.flatMap((hop) => (hop.kind === "shadowEnded" ? [hop.judgement] : []));
  const failedOn = new Set(
    hops.flatMap((hop) =>
      hop.kind === "failed" || (hop.kind === "shadowEnded" && hop.judgement === "malformed") ? [hop.server] : [],
    ),
  );
  const passed = judged.includes("innocent");
  const acceptedElsewhere = passed ? true : judged.includes("malformed") ? false : null;
  if (passed) return { acceptedElsewhere, sentence: "It passed in a shadow run: look at the servers it failed on." };
  if (failures > 1)
    return {
      acceptedElsewhere,
      sentence: `${executionServer} was discarded ${failures} times: the server may be at fault.`,
    };
  if (failedOn.size > 1)
    return {
      acceptedElsewhere,
      sentence: `It failed on ${failedOn.size} different servers (${[...failedOn].sort().join(", ")}): the request carries the fault.`,
    };
  if (executionServer === "") return { acceptedElsewhere, sentence: "It was stopped at the door and never executed." };
  return { acceptedElsewhere, sentence: `It failed on ${executionServer}; nothing is known of another server.` };
}

async function historyOf({ database }: PortParts, row: QuarantineRow): Promise<QuarantineItem["history"]> {
  const [byHost, byClient, byOperation] = await database.answering((store) =>
    Promise.all([
      store.quarantine.list({ host: row.host, limit: SIMILAR_MAX }),
      store.quarantine.list({ ...(row.client === null ? {} : { client: row.client }), limit: SIMILAR_MAX }),
      store.quarantine.list({ operation: row.operation, limit: SIMILAR_MAX }),
    ]),
  );
  const similar = new Map<string, SimilarRequest>();
  const note = (items: readonly QuarantineRow[], relation: SimilarRequest["relation"]): void => {
    for (const item of items) {
      if (item.requestId === row.requestId || similar.has(item.requestId)) continue;
      const { requestId, operation, at, state } = item;
      similar.set(requestId, { requestId, operation, at: at.toISOString(), log: "L1", relation, outcome: state });
    }
  };
  const sameSignature = byOperation.items.filter(
    ({ signatureId }) => signatureId !== null && signatureId === row.signatureId,
  );
  note(sameSignature, "same signature");
  note(byHost.items, "same host");
  if (row.client !== null) note(byClient.items, "same client");
  return {
    sameSignature: sameSignature.filter(({ requestId }) => requestId !== row.requestId).length,
    sameHost: Math.max(0, byHost.total - 1),
    sameClient: row.client === null ? 0 : Math.max(0, byClient.total - 1),
    similar: [...similar.values()].slice(0, SIMILAR_MAX),
  };
}

/** The last shadow run that said something; what a signature stopped was never run. */
function replayOf(row: QuarantineRow, { hops }: Evidence): QuarantineItem["replay"] {
  const runs = hops.flatMap((hop) => (hop.kind === "shadowEnded" && hop.judgement !== "inconclusive" ? [hop] : []));
  const last = runs.at(-1);
  if (!last) return null;
  const [outcome, words] = SHADOW_OUTCOMES[last.judgement];
  const servers = [...new Set(runs.map(({ server }) => server))];
  return {
    at: row.at.toISOString(),
    outcome: last.judgement === "malformed" && row.reason === "crash" ? "crashed again" : outcome,
    executionServer: servers.join(", "),
    check: last.judgement === "malformed" ? row.check : null,
    stateDifference: [],
    replyStatus: null,
    sentence: `Run again alone, on the same versions, on ${servers.join(" and ")}: ${words}. ${last.detail}`.trim(),
  };
}

const SHADOW_OUTCOMES = {
  innocent: ["passed", "it passed"],
  malformed: ["failed again", "it failed again"],
  untestable: ["not run", "its acceptance test could not be run"],
  inconclusive: ["not run", "it said nothing"],
} as const;

function consequencesOf(row: QuarantineRow): QuarantineItem["consequences"] {
  const client = row.client ?? "the client";
  return {
    release: [
      `${client} and ${row.host} are no longer blocked because of this request.`,
      "Signatures learned from it are withdrawn.",
      row.held
        ? "It runs once more under its own id; its client gets the reply if the acceptance test passes, else it is rejected."
        : "It is not run; its client keeps the rejection.",
    ],
    rerun: row.held
      ? []
      : ["It is run once as a new request whose id is derived from this one, acceptance test included."],
    confirm: [
      `${row.held ? "It is rejected at once and for ever" : "It stays rejected"}, and ${client} and ${row.host} stay blocked.`,
      "Signatures learned from it stay.",
    ],
    nothing: [
      row.held && row.expiresAt
        ? `It is held until ${row.expiresAt.toISOString()} and rejected then; nothing is ever released by itself.`
        : "It stays quarantined; nothing is ever released by itself.",
    ],
  };
}

export function whoOf(row: QuarantineRow): QuarantineItem["who"] {
  const notes = Array.isArray(row.notes) ? (row.notes as { at?: unknown; by?: unknown; text?: unknown }[]) : [];
  const claimedBy = claimOf(row);
  const decision = [...notes].reverse().find(({ text }) => /^(released|confirmed): /.test(String(text ?? "")));
  return {
    claimedBy,
    claimedUntil: claimedBy === null ? null : (row.claimedUntil?.toISOString() ?? null),
    releaseRequestedBy: row.releaseRequestedBy,
    decidedBy: row.decidedBy,
    decidedAt: row.decidedAt?.toISOString() ?? null,
    decisionReason: row.decisionNote ?? (row.decidedBy === null ? null : reasonOf(decision?.text)),
    deadline: heldUntil(row),
    notes: notes.map(({ at, by, text }) => ({ at: String(at ?? ""), by: String(by ?? ""), text: String(text ?? "") })),
  };
}

const reasonOf = (text: unknown): string | null =>
  typeof text === "string" ? text.slice(text.indexOf(": ") + 2) : null;
