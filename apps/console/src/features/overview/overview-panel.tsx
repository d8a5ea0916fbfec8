"use client";
import { useQuery } from "@tanstack/react-query";
import { troublesOf } from "@/features/nodes/order";
import { AsOf, useStale } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useLive } from "@/live/live-provider";
import { problemOf } from "@/live/problem";
import { useTRPC } from "@/live/trpc";
import { Banner } from "@/ui/banner";
import { CommandLine } from "@/ui/hash";
import { PageHeader, Section } from "@/ui/page";
import { Status } from "@/ui/status";
import { EventList } from "./event-list";
import { Figures } from "./figures";
import { NodeStrip } from "./node-strip";
import { headlineOf } from "./tolerance";
import { ToleranceTable } from "./tolerance-table";
import { Topology } from "./topology/topology";

const neverAsked = "1970-01-01T00:00:00.000Z";
const eventsShown = 10;

export function OverviewPanel() {
  const trpc = useTRPC();
  const { data: status, error } = useQuery({ ...trpc.cluster.status.queryOptions(), refetchInterval: beatMs });
  const { traffic } = useLive();
  const stale = useStale(status?.asOf ?? neverAsked);
  if (status === undefined) return <Unavailable error={error} />;
  const headline = headlineOf(status.degrees);
  const troubles = troublesOf(status.nodes);
  return (
    <>
      <PageHeader
        title="Overview"
        sentence={
          <Status tone={stale ? "idle" : headline.tone} wrap>
            {stale ? "What follows is stale: the manager has not answered lately." : headline.sentence}
          </Status>
        }
        actions={
          <span className="text-ink-faint text-xs">
            <AsOf iso={status.asOf} />
          </span>
        }
      />
      {troubles.length > 0 && !stale && (
        <Banner
          tone={headline.tone === "bad" ? "bad" : "warn"}
          title={troubles.slice(0, 6).join("; ")}
          className="mb-4"
        >
          {troubles.length > 6 && <p>and {troubles.length - 6} more.</p>}
        </Banner>
      )}
      <Figures logs={status.logs} />
      <div className="mt-6 grid gap-x-6 gap-y-6 xl:grid-cols-[minmax(0,1fr)_minmax(0,470px)]">
        <Section id="topology" title="Topology" aside="in the order of a request">
          <Topology
            nodes={status.nodes}
            degrees={status.degrees}
            logs={traffic?.logs ?? status.logs}
            traffic={traffic}
            stale={stale}
          />
        </Section>
        <div className="flex min-w-0 flex-col gap-6">
          <Section id="tolerance" title="Fault tolerance">
            <ToleranceTable degrees={status.degrees} stale={stale} />
          </Section>
          <Section id="nodes" title="Nodes">
            <NodeStrip nodes={status.nodes} stale={stale} />
          </Section>
        </div>
        <Section id="events" title="Recent events" className="xl:col-span-2">
          <EventList limit={eventsShown} />
        </Section>
      </div>
      <div className="mt-6 max-w-md">
        <CommandLine command="npx redoubt status" />
      </div>
    </>
  );
}

function Unavailable({ error }: { error: unknown }) {
  return (
    <>
      <PageHeader title="Overview" />
      {error === null ? (
        <Banner tone="idle" title="Waiting for the configuration manager…" />
      ) : (
        <Banner tone="bad" title={problemOf(error).sentence}>
          Requests are not affected: the manager is not on their way.
        </Banner>
      )}
    </>
  );
}
