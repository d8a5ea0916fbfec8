"use client";
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { StateVersion } from "@/live/types";
import { plural } from "@/text/format";
import { inert } from "@/text/inert";
import { Banner } from "@/ui/banner";
import { CommandLine, Hash } from "@/ui/hash";
import { PageHeader, Section } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { type ReplicaC1, replicaC1s, replicaNames } from "./divergence";
import { versionTones } from "./version-tones";

export function ObjectPanel({ object }: { object: string }) {
  const trpc = useTRPC();
  const { data, error } = useQuery({ ...trpc.state.show.queryOptions({ object }), refetchInterval: beatMs });
  return (
    <>
      <PageHeader
        title={<span className="font-mono text-lg">{inert(object)}</span>}
        above={
          <Link href="/state" className="text-ink-faint text-xs underline-offset-2 hover:underline">
            State
          </Link>
        }
        sentence={data === undefined ? undefined : summaryOf(data.versions)}
      />
      {data === undefined ? <Unavailable error={error} what="the object" /> : <Versions versions={data.versions} />}
      <div className="mt-6 max-w-md">
        <CommandLine command={`npx redoubt state show ${object}`} />
      </div>
    </>
  );
}

function summaryOf(versions: readonly StateVersion[]): string {
  const invalid = versions.filter(({ status }) => status === "invalid").length;
  return `${plural(versions.length, "version")}${invalid === 0 ? "" : `, ${invalid} of them invalid`}. Versions are never overwritten.`;
}

function Versions({ versions }: { versions: readonly StateVersion[] }) {
  const newestFirst = versions.toReversed();
  const names = replicaNames(versions);
  const divergent = newestFirst.filter((version) => replicaC1s(version, names).some(({ agrees }) => agrees === false));
  return (
    <div className="flex flex-col gap-6">
      {divergent.length > 0 && (
        <Banner tone="bad" title={`Replicas disagree about ${plural(divergent.length, "version")}`}>
          The verified C1 is what t+1 of them hold; the odd one is marked below.
        </Banner>
      )}
      <Section id="versions" title="Versions" aside="newest first">
        <VersionsTable versions={newestFirst} />
      </Section>
      <Section id="replicas" title="C1 per replica">
        <ReplicaGrid versions={newestFirst} names={names} />
      </Section>
    </div>
  );
}

const keyOf = ({ number, epoch }: { number: number; epoch: number }) => `${number}.${epoch}`;

function VersionsTable({ versions }: { versions: readonly StateVersion[] }) {
  return (
    <Table label="Versions">
      <thead>
        <tr>
          <HeaderCell>Version</HeaderCell>
          <HeaderCell>Status</HeaderCell>
          <HeaderCell>Parent</HeaderCell>
          <HeaderCell>Request</HeaderCell>
          <HeaderCell>Executed by</HeaderCell>
          <HeaderCell>Tested by</HeaderCell>
          <HeaderCell>C1</HeaderCell>
          <HeaderCell>C2</HeaderCell>
          <HeaderCell>At</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {versions.map((version) => (
          <Row key={keyOf(version)}>
            <RowHeader className="whitespace-nowrap">
              {version.number} <span className="font-normal text-ink-faint">epoch {version.epoch}</span>
            </RowHeader>
            <Cell>
              <Status tone={versionTones[version.status]}>{version.status}</Status>
            </Cell>
            <Cell className="whitespace-nowrap">
              {version.parent === null ? (
                <span className="text-ink-faint">first</span>
              ) : (
                <>
                  {version.parent.number} <span className="text-ink-faint">epoch {version.parent.epoch}</span>
                </>
              )}
            </Cell>
            <Cell>
              <Hash value={version.requestId} />
            </Cell>
            <Cell className="whitespace-nowrap">{version.executionServer}</Cell>
            <Cell className="whitespace-nowrap">{version.testers.join(", ")}</Cell>
            <Cell>
              <Hash value={version.c1} />
            </Cell>
            <Cell>
              {version.c2 === null ? <span className="text-ink-faint">none</span> : <Hash value={version.c2} />}
            </Cell>
            <Cell>
              <Time iso={version.at} />
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function ReplicaGrid({ versions, names }: { versions: readonly StateVersion[]; names: readonly string[] }) {
  return (
    <Table label="C1 per replica" className="max-w-4xl">
      <thead>
        <tr>
          <HeaderCell>Version</HeaderCell>
          {names.map((name) => (
            <HeaderCell key={name}>{name}</HeaderCell>
          ))}
        </tr>
      </thead>
      <tbody>
        {versions.map((version) => (
          <Row key={keyOf(version)}>
            <RowHeader className="whitespace-nowrap">
              {version.number} <span className="font-normal text-ink-faint">epoch {version.epoch}</span>
            </RowHeader>
            {replicaC1s(version, names).map((replica) => (
              <ReplicaCell key={replica.server} replica={replica} />
            ))}
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function ReplicaCell({ replica }: { replica: ReplicaC1 }) {
  if (replica.c1 === null) {
    return (
      <Cell>
        <Status tone="idle">not known</Status>
      </Cell>
    );
  }
  return (
    <Cell className={replica.agrees === false ? "bg-bad-soft" : undefined}>
      <Status tone={replica.agrees === false ? "bad" : "good"}>
        <Hash value={replica.c1} digits={8} />
        {replica.agrees === false && <span className="ml-1.5">differs</span>}
      </Status>
    </Cell>
  );
}
