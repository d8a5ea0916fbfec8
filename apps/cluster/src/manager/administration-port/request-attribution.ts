/** Who was at fault for what failed with a request, and what that rests on: hops, the quarantine's record, incidents. Pure. */
import { checkTitle, type RequestHop } from "@redoubt/shared";
import type { HopTone, RequestAttribution } from "../../administration/index.ts";

/** What the manager has on record; each may be missing. */
export interface AttributionSources {
  readonly hops: readonly RequestHop[];
  readonly log: "L1" | "L2" | "L3";
  readonly quarantined:
    | { readonly blamed: boolean; readonly check: string; readonly detail: string; readonly executionServer: string }
    | undefined;
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

type Evidence = RequestAttribution["evidence"][number];

export function attributionOf(sources: AttributionSources): RequestAttribution | null {
  const evidence = evidenceOf(sources);
  const incidents = sources.incidents.map(({ lines: _lines, ...incident }) => incident);
  if (evidence.length === 0 && incidents.length === 0 && !sources.quarantined) return null;
  return { ...verdictOf(sources), evidence, incidents };
}

function verdictOf({
  hops,
  log,
  quarantined,
  incidents,
}: AttributionSources): Pick<RequestAttribution, "guilty" | "sentence"> {
  if (quarantined?.blamed) {
    const processes = new Set(failuresOf(hops).map(({ server }) => server));
    const where = processes.size > 1 ? ` on ${processes.size} distinct servers` : "";
    return {
      guilty: "request",
      sentence: `The request is malformed: it failed “${checkTitle(quarantined.check)}”${where}. Servers that failed with it are exonerated.`,
    };
  }
  if (quarantined)
    return { guilty: "nobody", sentence: "It was withheld without blame: nothing is blocked and nothing was learned." };
  const convicted = convictedOf(hops, incidents);
  if (convicted.length > 0)
    return {
      guilty: "execution server",
      sentence: `${convicted.join(" and ")} ${convicted.length === 1 ? "was" : "were"} at fault: the same request passed elsewhere.`,
    };
  if (log === "L3") return { guilty: "undecided", sentence: "Something failed; who was at fault is being found out." };
  return { guilty: "nobody", sentence: "Something failed, and nobody was found at fault." };
}

function convictedOf(hops: readonly RequestHop[], incidents: readonly IncidentOfRequest[]): string[] {
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

function evidenceOf({ hops, quarantined, incidents }: AttributionSources): Evidence[] {
  const lines = hops.flatMap((hop): Evidence[] => {
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
  });
  if (lines.length > 0) return lines;
  // The regulator has forgotten: what the manager recorded is what there is.
  if (quarantined && quarantined.detail !== "")
    lines.push(line(quarantined.executionServer, quarantined.detail, quarantined.blamed ? "bad" : "warn"));
  for (const { subject, lines: told } of incidents) for (const text of told) lines.push(line(subject, text, "warn"));
  return lines;
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
