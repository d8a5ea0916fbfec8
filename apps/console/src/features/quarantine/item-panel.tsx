"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { useTRPC } from "@/live/trpc";
import { inert } from "@/text/inert";
import { PageHeader, Section } from "@/ui/page";
import { Badge } from "@/ui/status";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { Decision } from "./decision";
import { Confidence, History, RequestFacts, WhatItDid } from "./evidence";
import { PayloadViewer } from "./payload-viewer";
import { Replay } from "./replay";
import { reasonTitles } from "./words";

export function ItemPanel({ requestId }: { requestId: string }) {
  const trpc = useTRPC();
  const { data: item, error } = useQuery(trpc.quarantine.item.queryOptions({ requestId }));
  const back = (
    <Link href="/quarantine" className="text-ink-faint text-xs underline-offset-2 hover:underline">
      Quarantine
    </Link>
  );
  if (item === undefined) {
    return (
      <>
        <PageHeader title="Quarantined request" above={back} />
        <Unavailable error={error} what="the request" />
      </>
    );
  }
  return (
    <>
      <PageHeader title={inert(item.title)} above={back} />
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-x-8 gap-y-6 lg:grid-cols-[minmax(0,1fr)_340px]">
        <div className="flex min-w-0 flex-col gap-6 [&>*+*]:border-line [&>*+*]:border-t [&>*+*]:pt-5">
          <section aria-label="Verdict">
            <div className="mb-2 flex flex-wrap items-center gap-2">
              <Badge tone="bad">{reasonTitles[item.reason]}</Badge>
              {item.severity === "high" && <Badge tone="bad">High severity</Badge>}
              <span className="text-ink-faint text-xs">
                <Time iso={item.verdict.at} />
                {item.verdict.testers.length > 0 && ` · found by ${item.verdict.testers.join(", ")}`}
              </span>
              <Link
                href={`/requests/${requestId}`}
                className="ml-auto text-accent text-xs underline-offset-2 hover:underline"
              >
                Every hop of it
              </Link>
            </div>
            <p className="max-w-3xl text-lg leading-7">{inert(item.verdict.sentence)}</p>
          </section>
          <Section id="request" title="Request">
            <RequestFacts item={item} />
            <div className="mt-4">
              <PayloadViewer requestId={requestId} />
            </div>
          </Section>
          <Section id="did" title="What it did">
            <WhatItDid item={item} />
          </Section>
          <Section id="confidence" title="Could it be coincidence?">
            <Confidence item={item} />
          </Section>
          <Section id="history" title="History">
            <History item={item} />
          </Section>
          <Section id="replay" title="Shadow run">
            <Replay run={item.replay} />
          </Section>
        </div>
        <Decision item={item} />
      </div>
    </>
  );
}
