"use client";
/** What is known of a request, above the versions that it made. */
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
import { Unavailable } from "@/ui/unavailable";
import { logTones } from "../requests/words";
import { addressOfRequest } from "./search";

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
      </div>
      <div className="flex flex-wrap content-start gap-x-5">
        <Link href={addressOfRequest(request.requestId)} className="text-accent underline-offset-2 hover:underline">
          Every hop, verdict and version
        </Link>
        {request.log === "L1" && (
          <Link href={`/quarantine/${request.requestId}`} className="text-accent underline-offset-2 hover:underline">
            Its evidence in quarantine
          </Link>
        )}
      </div>
    </div>
  );
}
