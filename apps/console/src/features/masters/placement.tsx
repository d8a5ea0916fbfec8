"use client";
/** Where object clusters are: who holds the lease, which replicas keep them, and who is on its way in or out. */
import { useQuery } from "@tanstack/react-query";
import Link from "next/link";
import { addressOfServer } from "@/features/state/search";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { PlacementGroup } from "@/live/types";
import { formatCount, plural } from "@/text/format";
import { Empty, Section } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { rangeOf, stateTone } from "./words";

export function Placement() {
  const trpc = useTRPC();
  const { data, error } = useQuery({ ...trpc.state.placement.queryOptions(), refetchInterval: beatMs });
  const clusters = data?.groups.reduce((sum, { count }) => sum + count, 0) ?? 0;
  return (
    <Section
      id="placement"
      title="Placement"
      aside={data === undefined ? undefined : `${plural(clusters, "object cluster")}, grouped by epoch`}
    >
      {data === undefined ? (
        <Unavailable error={error} what="the placement" />
      ) : data.groups.length === 0 ? (
        <Empty title="Nothing is placed yet">The first epoch opens when the first request comes.</Empty>
      ) : (
        <PlacementTable groups={data.groups} />
      )}
    </Section>
  );
}

function PlacementTable({ groups }: { groups: readonly PlacementGroup[] }) {
  return (
    <Table label="Placement">
      <thead>
        <tr>
          <HeaderCell>Object clusters</HeaderCell>
          <HeaderCell>Epoch</HeaderCell>
          <HeaderCell>Lease held by</HeaderCell>
          <HeaderCell>Members</HeaderCell>
          <HeaderCell>Faults tolerated now / by design</HeaderCell>
          <HeaderCell>Whole since</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {groups.map((group) => (
          <Row key={group.clusters.map(rangeOf).join()} className="align-top">
            <RowHeader>
              {group.clusters.map(rangeOf).join(", ")}
              <span className="block font-normal text-2xs text-ink-faint leading-[14px]">
                {plural(group.count, "cluster")}
              </span>
            </RowHeader>
            <Cell className="whitespace-nowrap">
              {group.epoch === 0 ? "none yet" : formatCount(group.epoch)}
              {group.settledEpoch !== group.epoch && (
                <Status tone="accent" className="ml-2">
                  settling
                </Status>
              )}
            </Cell>
            <Cell className="whitespace-nowrap">
              {group.holder === "" ? (
                <span className="text-ink-faint">nobody</span>
              ) : (
                <Link href={addressOfServer(group.holder)} className="underline-offset-2 hover:underline">
                  {group.holder}
                </Link>
              )}
            </Cell>
            <Cell>
              <ul className="flex flex-col gap-0.5">
                {group.members.map((member) => (
                  <li key={`${member.server} ${member.state}`}>
                    <Member member={member} />
                  </li>
                ))}
              </ul>
            </Cell>
            <Cell className="whitespace-nowrap">
              <Status tone={toleranceTone(group)}>
                {group.faultsToleratedNow} / {group.faultsTolerated}
              </Status>
            </Cell>
            <Cell>
              {group.fullyReplicatedAt === null ? (
                <span className="text-ink-faint">{isWhole(group) ? "not known" : "not yet"}</span>
              ) : (
                <Time iso={group.fullyReplicatedAt} />
              )}
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

const isWhole = ({ members }: PlacementGroup): boolean =>
  members.every(({ state, serverState }) => state === "member" && serverState === "up");

const toleranceTone = ({ faultsTolerated, faultsToleratedNow }: PlacementGroup) =>
  faultsTolerated === 0 ? "idle" : faultsToleratedNow === 0 ? "warn" : "good";

function Member({ member }: { member: PlacementGroup["members"][number] }) {
  const { server, state, serverState } = member;
  if (state === "struck off") return <Status tone="bad">{server}, struck off until it has everything again</Status>;
  if (state === "joining") return <Status tone="accent">{server}, joining</Status>;
  return (
    <Status tone={stateTone(serverState)}>
      {server}
      {serverState !== "up" && `, ${serverState}`}
    </Status>
  );
}
