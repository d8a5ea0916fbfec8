"use client";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { AsOf } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { ApplicationsStatus } from "@/live/types";
import { inert } from "@/text/inert";
import { CommandLine } from "@/ui/hash";
import { PageHeader, Section } from "@/ui/page";
import { Unavailable } from "@/ui/unavailable";
import { Breakers } from "./breakers";
import { Bundles } from "./bundles";
import { ObjectsTable } from "./objects-table";
import { OperationsTable } from "./operations-table";
import { Rollback } from "./rollback";
import { VersionsTable } from "./versions-table";

export function ApplicationsPanel() {
  const trpc = useTRPC();
  const { data, error } = useQuery({ ...trpc.applications.status.queryOptions(), refetchInterval: beatMs });
  return (
    <>
      <PageHeader
        title="Applications"
        sentence="Which version of the application serves, how strongly its results are judged, and the one step back."
        actions={
          data !== undefined && (
            <>
              <span className="text-ink-faint text-xs">
                <AsOf iso={data.asOf} />
              </span>
              <Rollback status={data} />
            </>
          )
        }
      />
      {data === undefined ? <Unavailable error={error} what="the application" /> : <Versions status={data} />}
    </>
  );
}

function Versions({ status }: { status: ApplicationsStatus }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const shown =
    status.versions.find(({ hash }) => hash === (chosen ?? status.current)) ??
    status.versions.find(({ hash }) => hash === status.current);
  return (
    <div className="flex flex-col gap-6">
      <Breakers breakers={status.breakers.filter(({ state }) => state === "open")} versions={status.versions} />
      <Section id="versions" title="Versions" aside="newest first">
        <VersionsTable
          versions={status.versions}
          current={status.current}
          selected={shown?.hash ?? ""}
          onSelect={setChosen}
        />
      </Section>
      {shown !== undefined && (
        <>
          <Section
            id="operations"
            title={`Operations of version ${shown.version}`}
            aside={`${inert(shown.title)}, how each is judged`}
          >
            <OperationsTable
              operations={shown.operations}
              breakers={status.breakers.filter(({ applicationVersion }) => applicationVersion === shown.hash)}
            />
          </Section>
          <Section id="objects" title={`Objects of version ${shown.version}`}>
            <ObjectsTable objects={shown.objects} />
          </Section>
        </>
      )}
      <Section id="bundles" title="Bundles ready to be deployed">
        <Bundles
          bundles={status.bundles.filter(({ hash }) => status.versions.every((version) => version.hash !== hash))}
        />
      </Section>
      <div className="max-w-xl">
        <CommandLine command="npx redoubt app versions" />
      </div>
    </div>
  );
}
