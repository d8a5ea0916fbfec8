/** Who was at fault for what failed with a request, and what that rests on: attributions, hops, the quarantine's record, incidents. Pure. */
import { checkTitle, type RequestHop } from "@redoubt/shared";
import type { HopTone, RequestAttribution, RequestFault } from "../../administration/index.ts";

/** What the manager has on record; each may be missing. */
export interface FaultSources {
  readonly hops: readonly RequestHop[];
  readonly log: "L1" | "L2" | "L3";
  readonly quarantined:
    | { readonly blamed: boolean; readonly check: string; readonly detail: string; readonly executionServer: string }
    | undefined;
  readonly attributions: readonly RequestAttribution[];
  readonly incidents: readonly IncidentOfRequest[];
}

export interface IncidentOfRequest {
  readonly incidentId: string;
  readonly title: string;
  readonly subject: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
  /** Newest line last. */
  readonly lines: readonly string[];
}

type Evidence = RequestFault["evidence"][number];
type Verdict = Pick<RequestFault, "guilty" | "sentence">;

export function faultOf(sources: FaultSources): RequestFault | null {
  const evidence = evidenceOf(sources);
  const incidents = sources.incidents.map(({ lines: _lines, ...incident }) => incident);
  if (evidence.length === 0 && incidents.length === 0 && !sources.quarantined && sources.attributions.length === 0)
    return null;
  return { ...verdictOf(sources), evidence, incidents };
}

function verdictOf(sources: FaultSources): Verdict {
  const { hops, log, quarantined, attributions } = sources;
  if (quarantined?.blamed) {
    const count = new Set(failuresOf(hops).map(({ server }) => server)).size;
    const where = count > 1 ? ` on ${count} distinct servers` : "";
    return {
      guilty: "request",
      sentence: `The request is malformed: it failed “${checkTitle(quarantined.check)}”${where}. Servers that failed with it are exonerated.`,
    };
  }
  const last = attributions.at(-1);
  if (last) return attributed(last);
  if (quarantined)
    return { guilty: "nobody", sentence: "It was withheld without blame: nothing is blocked and nothing was learned." };
  const convicted = convictedOf(sources);
  if (convicted.length > 0) return { guilty: "execution-server", sentence: wereAtFault(convicted) };
  if (log === "L3") return { guilty: "undecided", sentence: "Something failed; who was at fault is being found out." };
  return { guilty: "nobody", sentence: "Something failed, and nobody was found at fault." };
}

const wereAtFault = (servers: readonly string[]): string =>
  `${servers.join(" and ")} ${servers.length === 1 ? "was" : "were"} at fault: the same request passed elsewhere.`;

function attributed({ guilty, servers, check, detail }: RequestAttribution): Verdict {
  const names = [...new Set(servers.map(({ server }) => server))].sort();
  const sentences: Record<RequestAttribution["guilty"], string> = {
    request: `The request is malformed: it failed “${checkTitle(check)}”.`,
    "execution-server": wereAtFault(names.length === 0 ? ["The execution server"] : names),
    "state-replica": `${names.join(" and ")} held something else than the others: ${detail}`,
    "acceptance-test-server": `${names.join(" and ")} judged otherwise than the others: ${detail}`,
    "acceptance-test": "The acceptance test itself seems to be wrong: nobody is blamed, blocked or learned from.",
    network: "Messages were late or lost, or nobody can be told guilty: nobody is blamed.",
  };
  return { guilty, sentence: sentences[guilty] };
}

function convictedOf({ hops, incidents }: FaultSources): string[] {
  const byHops = hops.flatMap((hop) => (hop.kind === "convicted" ? [hop.server] : []));
  const byIncidents = incidents.flatMap(({ subject, lines }) =>
    lines.some((line) => line.startsWith("convicted")) ? [subject] : [],
  );
  return [...new Set([...byHops, ...byIncidents])].sort();
}

const failuresOf = (hops: readonly RequestHop[]) =>
  hops.flatMap((hop) =>
    hop.kind === "failed" || (hop.kind === "shadowEnded" && hop.judgement === "malformed") ? [hop] : [],
  );

/** The regulator's hops where it remembers them; else the evidence it once told; else what the manager wrote down. */
function evidenceOf({ hops, quarantined, attributions, incidents }: FaultSources): Evidence[] {
  const seen = hops.flatMap(evidenceOfHop);
  if (seen.length > 0) return seen;
  const told = runsOf(attributions).map(({ kind, attempt, server, outcome, check, detail }) =>
    line(server, runWords({ kind, attempt, outcome, check, detail }), outcome === "passed" ? "good" : "bad"),
  );
  if (told.length > 0) return told;
  const noted = incidents.flatMap(({ subject, lines }) => lines.map((text) => line(subject, text, "warn")));
  if (!quarantined || quarantined.detail === "") return noted;
  return [line(quarantined.executionServer, quarantined.detail, quarantined.blamed ? "bad" : "warn"), ...noted];
}

function evidenceOfHop(hop: RequestHop): Evidence[] {
  switch (hop.kind) {
    case "failed":
      return [line(hop.server, `Attempt ${hop.attempt} failed “${checkTitle(hop.check)}”: ${hop.detail}`, "bad")];
    case "shadowEnded":
      return [line(hop.server, shadowWords(hop), SHADOW_TONES[hop.judgement])];
    case "convicted":
      return [line(hop.server, `Convicted: ${hop.evidence}`, "bad")];
    default:
      return [];
  }
}

type Run = RequestAttribution["evidence"]["runs"][number];

/** Attempts and shadow runs of all attributions, each once: a later attribution repeats those before it. */
export function runsOf(attributions: readonly RequestAttribution[]): Run[] {
  const runs = new Map(attributions.flatMap(({ evidence }) => evidence.runs.map((run) => [run.attempt, run] as const)));
  return [...runs.values()].sort((left, right) => left.attempt - right.attempt);
}

function runWords({
  kind,
  attempt,
  outcome,
  check,
  detail,
}: Pick<Run, "kind" | "attempt" | "outcome" | "check" | "detail">): string {
  const name = kind === "shadow-run" ? `Shadow run ${attempt}` : `Attempt ${attempt}`;
  const words = {
    failed: `failed “${checkTitle(check)}”`,
    inside: "ran in a process that ended",
    passed: "passed",
    inconclusive: "said nothing",
  }[outcome];
  return `${name} ${words}${detail === "" ? "" : `: ${detail}`}`;
}

const line = (server: string, text: string, tone: HopTone): Evidence => ({ server, text, tone });

const SHADOW_TONES = { innocent: "good", malformed: "bad", untestable: "warn", inconclusive: "warn" } as const;

function shadowWords({ attempt, judgement, detail }: Extract<RequestHop, { kind: "shadowEnded" }>): string {
  const words = {
    innocent: "passed here",
    malformed: "failed here too",
    untestable: "could not be tested",
    inconclusive: "said nothing about the request",
  }[judgement];
  return `Shadow run ${attempt} ${words}${detail === "" ? "" : `: ${detail}`}`;
}
