"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { AsOf } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { RequestHistory } from "@/live/types";
import { formatTime } from "@/text/format";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { Facts } from "@/ui/facts";
import { CommandLine, CopyButton, Hash } from "@/ui/hash";
import { PageHeader, Section } from "@/ui/page";
import { Badge } from "@/ui/status";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { AttemptsTable } from "./attempts-table";
import { ClientView } from "./client-view";
import { Fault } from "./fault";
import { HopsTable } from "./hops-table";
import { phaseOfState } from "./phases";
import { timelineOf } from "./timeline";
import { TimelineChart, TimelineLegend } from "./timeline-chart";
import { VersionsWritten } from "./versions-written";
import { logTones, logWords } from "./words";

/** While it is under way every hop counts. */
const underWayMs = 1000;

export function RequestPanel({ requestId }: { requestId: string }) {
  const trpc = useTRPC();
  const { data, error, dataUpdatedAt } = useQuery({
    ...trpc.requests.show.queryOptions({ requestId }),
    refetchInterval: ({ state }) => (isOpen(state.data) ? underWayMs : beatMs * 2),
  });
  return (
    <>
      <PageHeader
        title={data === undefined ? "Request" : inert(data.operation)}
        above={
          <Link href="/requests" className="text-ink-faint text-xs underline-offset-2 hover:underline">
            Requests
          </Link>
        }
        sentence={
          <span className="flex items-center gap-1">
            <Hash value={requestId} digits={32} className="min-w-0 truncate" />
            <CopyButton text={requestId} label="Copy request id" />
          </span>
        }
        actions={
          data !== undefined && (
            <>
              <span className="text-ink-faint text-xs">
                <AsOf iso={new Date(dataUpdatedAt).toISOString()} />
              </span>
              <Badge tone={logTones[data.log]}>{logWords[data.log]}</Badge>
            </>
          )
        }
      />
      {data === undefined ? (
        <Unavailable error={error} what="the request">
          The regulator keeps the newest requests; versions and quarantined requests are kept longer.{" "}
          <Link href="/requests" className="text-accent underline-offset-2 hover:underline">
            See the newest
          </Link>
        </Unavailable>
      ) : (
        <History request={data} />
      )}
      <div className="mt-6 max-w-xl">
        <CommandLine command={`npx redoubt request show ${requestId.slice(0, 12)}`} />
      </div>
    </>
  );
}

/** Something may still come: an answer, or the masters' decision. */
function isOpen(data: RequestHistory | undefined): boolean {
  if (data === undefined) return false;
  if (data.log === "L3") return true;
  const isRecent = Date.parse(data.asOf) - Date.parse(data.receivedAt) < beatMs * 5;
  return isRecent && data.log === "L2" && data.versions.length === 0;
}

function History({ request }: { request: RequestHistory }) {
  const { trace, fault, attempts, versions, hops, unknown } = request;
  const nowMs = request.log === "L3" && trace !== null ? Date.parse(request.asOf) - trace.since : null;
  const timeline = trace === null ? null : timelineOf(trace.hops, nowMs);
  return (
    <div className="flex flex-col gap-6">
      {unknown.length > 0 && (
        <Banner tone="idle" title="Not all of it is known">
          {unknown.join(" ")}
        </Banner>
      )}
      <div className="grid grid-cols-[minmax(0,1fr)] gap-x-10 gap-y-6 lg:grid-cols-2">
        <Section id="request" title="Request">
          <RequestFacts request={request} />
        </Section>
        <Section id="client" title="What the client was told">
          <ClientView request={request} />
        </Section>
      </div>
      {fault !== null && (
        <Section id="fault" title="Who was at fault">
          <Fault request={request} fault={fault} />
        </Section>
      )}
      {timeline !== null && (
        <Section id="time" title="Where the milliseconds went">
          <TimelineChart timeline={timeline} />
          <TimelineLegend />
        </Section>
      )}
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-x-6 gap-y-6 2xl:grid-cols-2">
        <Section id="attempts" title="Attempts and verdicts">
          <AttemptsTable attempts={attempts} tests={request.tests} />
        </Section>
        <Section id="versions" title="Versions it wrote">
          <VersionsWritten versions={versions} isPending={request.log === "L3"} />
        </Section>
      </div>
      <Section id="hops" title="Every hop">
        <HopsTable hops={hops} />
      </Section>
    </div>
  );
}

function RequestFacts({ request }: { request: RequestHistory }) {
  const { client, host, receivedAt, state, outcome, quarantine } = request;
  return (
    <Facts
      facts={[
        ["Client", inert(client)],
        [
          "Host",
          <span key="host" className="font-mono text-xs">
            {host === "unknown" ? "not known any more" : inert(host)}
          </span>,
        ],
        ["Received", <Time key="at" iso={receivedAt} />],
        ["Outcome", state === null ? inert(outcome) : `under way, ${phaseOfState[state] ?? state}`],
        ...(quarantine === null
          ? []
          : ([
              [
                "Quarantine",
                <span key="quarantine">
                  {quarantine.state}
                  {quarantine.decidedBy !== null && ` by ${inert(quarantine.decidedBy)}`}
                  {quarantine.decidedAt !== null && `, ${formatTime(quarantine.decidedAt, null, undefined)}`}
                  {quarantine.decisionReason !== null && `: ${inert(quarantine.decisionReason)}`}{" "}
                  <Link
                    href={`/quarantine/${request.requestId}`}
                    className="text-accent underline-offset-2 hover:underline"
                  >
                    Its evidence
                  </Link>
                </span>,
              ],
            ] as const)),
      ]}
    />
  );
}
