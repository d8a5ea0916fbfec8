"use client";
import { useQuery } from "@tanstack/react-query";
import { severityTones } from "@/features/overview/event-text";
import { useTRPC } from "@/live/trpc";
import type { Incident } from "@/live/types";
import { formatDuration } from "@/text/format";
import { inert } from "@/text/inert";
import { useNow } from "@/ui/clock";
import { Empty, PageHeader } from "@/ui/page";
import { Badge, Status } from "@/ui/status";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { incidentsInput } from "./inputs";

export function IncidentsPanel() {
  const trpc = useTRPC();
  const { data, error } = useQuery(trpc.incidents.list.queryOptions(incidentsInput));
  return (
    <>
      <PageHeader
        title="Incidents"
        sentence="What went wrong, from the first sign until it was over. Open ones come first."
      />
      {data === undefined ? (
        <Unavailable error={error} what="the incidents" />
      ) : data.length === 0 ? (
        <Empty title="No incidents">Nothing has gone wrong since the cluster was started.</Empty>
      ) : (
        <ul className="divide-y divide-line border-line border-y">
          {openFirst(data).map((incident) => (
            <IncidentEntry key={incident.incidentId} incident={incident} />
          ))}
        </ul>
      )}
    </>
  );
}

function openFirst(incidents: readonly Incident[]): Incident[] {
  return incidents.toSorted(
    (one, other) =>
      Number(one.closedAt !== null) - Number(other.closedAt !== null) || other.openedAt.localeCompare(one.openedAt),
  );
}

function IncidentEntry({ incident }: { incident: Incident }) {
  const nowMs = useNow();
  const open = incident.closedAt === null;
  const endMs = open ? nowMs : Date.parse(incident.closedAt ?? "");
  const lasted = endMs === null ? null : formatDuration(Math.max(0, endMs - Date.parse(incident.openedAt)));
  return (
    <li className="grid gap-x-6 gap-y-2 py-4 md:grid-cols-[220px_minmax(0,1fr)]">
      <div className="flex flex-col items-start gap-1">
        {open ? <Badge tone={severityTones[incident.severity]}>Open</Badge> : <Status tone="good">Closed</Status>}
        <span className="text-ink-faint text-xs">
          <Time iso={incident.openedAt} />
          {lasted !== null && ` · ${open ? "for" : "lasted"} ${lasted}`}
        </span>
      </div>
      <div>
        <h2 className="font-semibold">
          {inert(incident.title)} <span className="font-normal text-ink-faint">{inert(incident.subject)}</span>
        </h2>
        <ol className="mt-1 flex flex-col gap-0.5 text-ink-soft">
          {incident.timeline.map((entry) => (
            <li key={`${entry.at} ${entry.text}`} className="flex gap-3">
              <Time iso={entry.at} className="text-ink-faint text-xs leading-5" />
              <span>{inert(entry.text)}</span>
            </li>
          ))}
        </ol>
      </div>
    </li>
  );
}
