"use client";
/** One request's way through the cluster, above the versions that it made. */
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTRPC } from "@/live/trpc";
import type { RequestHistory } from "@/live/types";
import { inert } from "@/text/inert";
import { Facts } from "@/ui/facts";
import { CopyButton, Hash } from "@/ui/hash";
import { Section } from "@/ui/page";
import { Status } from "@/ui/status";
import { Time } from "@/ui/time";
import type { Tone } from "@/ui/tone";
import { Unavailable } from "@/ui/unavailable";

const logTones: Record<RequestHistory["log"], Tone> = { L1: "bad", L2: "good", L3: "accent" };

export function RequestSummary({ requestId }: { requestId: string }) {
  const trpc = useTRPC();
  const { data, error } = useQuery(trpc.requests.show.queryOptions({ requestId }));
  return (
    <Section id="request" title="The request" className="mb-6">
      {data === undefined ? (
        <Unavailable error={error} what="the request">
          The regulator keeps requests for a while only; what they changed is kept for ever.
        </Unavailable>
      ) : (
        <Summary request={data} />
      )}
    </Section>
  );
}

function Summary({ request }: { request: RequestHistory }) {
  return (
    <div className="grid gap-x-8 gap-y-4 lg:grid-cols-[minmax(0,1fr)_minmax(0,1fr)]">
      <div className="min-w-0">
        <Status tone={logTones[request.log]} className="mb-2" wrap>
          {inert(request.outcome)}
          {request.replyStatus !== null && `, status ${request.replyStatus}`}
        </Status>
        <Facts
          facts={[
            ["Operation", inert(request.operation)],
            ["Client", inert(request.client)],
            [
              "Host",
              <span key="host" className="font-mono text-xs">
                {inert(request.host)}
              </span>,
            ],
            ["Received", <Time key="at" iso={request.receivedAt} />],
            [
              "Request id",
              <span key="id" className="flex items-center gap-1">
                <Hash value={request.requestId} digits={32} className="min-w-0 truncate" />
                <CopyButton text={request.requestId} label="Copy request id" />
              </span>,
            ],
          ]}
        />
        {request.log === "L1" && (
          <Link
            href={`/quarantine/${request.requestId}`}
            className="mt-2 inline-block text-accent underline-offset-2 hover:underline"
          >
            Its evidence in quarantine
          </Link>
        )}
      </div>
      <Hops hops={request.hops} />
    </div>
  );
}

function Hops({ hops }: { hops: RequestHistory["hops"] }) {
  return (
    <ol aria-label="Its way through the cluster" className="min-w-0">
      {hops.map((hop, index) => (
        <li key={`${hop.event} ${hop.server} ${hop.at}`} className="relative flex gap-3 pb-2.5 last:pb-0">
          {index < hops.length - 1 && (
            <span aria-hidden className="absolute top-3 bottom-[-6px] left-[3.5px] w-px bg-line-strong" />
          )}
          <span aria-hidden className="relative mt-[6px] size-2 shrink-0 rounded-full bg-ink-faint" />
          <span className="min-w-0 flex-1">
            <span className="font-medium">{hop.event}</span> <span className="text-ink-soft">{inert(hop.detail)}</span>
            <span className="block text-ink-faint text-xs">{inert(hop.server)}</span>
          </span>
          <Time iso={hop.at} className="text-ink-faint text-xs" />
        </li>
      ))}
    </ol>
  );
}
