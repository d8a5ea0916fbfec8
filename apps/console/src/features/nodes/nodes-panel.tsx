"use client";
import { useQuery } from "@tanstack/react-query";
import { AsOf, useStale } from "@/live/as-of";
import { beatMs } from "@/live/freshness";
import { useTRPC } from "@/live/trpc";
import type { NodeDetail } from "@/live/types";
import { titleOf } from "@/text/format";
import { CommandLine } from "@/ui/hash";
import { PageHeader, Section } from "@/ui/page";
import { Status } from "@/ui/status";
import { Cell, HeaderCell, Row, RowHeader, Table } from "@/ui/table";
import { Ago, Time } from "@/ui/time";
import { Unavailable } from "@/ui/unavailable";
import { Confinement } from "./confinement";
import { HeartbeatBar } from "./heartbeat-bar";
import { nodeStateTones, serverStateTones } from "./node-tones";
import { orderByTrouble } from "./order";

const neverAsked = "1970-01-01T00:00:00.000Z";

export function NodesPanel() {
  const trpc = useTRPC();
  const { data, error } = useQuery({ ...trpc.cluster.nodes.queryOptions(), refetchInterval: beatMs });
  const asOf = data?.[0]?.asOf;
  const stale = useStale(asOf ?? neverAsked);
  return (
    <>
      <PageHeader
        title="Nodes"
        sentence="Each node runs an agent that starts, watches and restarts the servers of its slots. Nodes in trouble come first."
        actions={<span className="text-ink-faint text-xs">{asOf !== undefined && <AsOf iso={asOf} />}</span>}
      />
      {data === undefined ? (
        <Unavailable error={error} what="the nodes" />
      ) : (
        <>
          <NodesTable nodes={orderByTrouble(data)} stale={stale} />
          <Legend />
          <Section id="servers" title="Servers" className="mt-6">
            <ServersTable nodes={orderByTrouble(data)} stale={stale} />
          </Section>
          <Section id="confinement" title="What confines the application's code" className="mt-6">
            <Confinement nodes={data} />
          </Section>
        </>
      )}
      <div className="mt-6 max-w-md">
        <CommandLine command="npx redoubt status" />
      </div>
    </>
  );
}

interface Shown {
  nodes: readonly NodeDetail[];
  stale: boolean;
}

function NodesTable({ nodes, stale }: Shown) {
  return (
    <Table label="Nodes">
      <thead>
        <tr>
          <HeaderCell>Node</HeaderCell>
          <HeaderCell>State</HeaderCell>
          <HeaderCell>Heartbeats</HeaderCell>
          <HeaderCell>Last heartbeat</HeaderCell>
          <HeaderCell>Address</HeaderCell>
          <HeaderCell numeric>Agent process</HeaderCell>
          <HeaderCell numeric>Slots used</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {nodes.map((node) => (
          <Row key={node.name}>
            <RowHeader>{node.name}</RowHeader>
            <Cell>
              <Status tone={stale ? "idle" : nodeStateTones[node.state]}>{stale ? "stale" : node.state}</Status>
            </Cell>
            <Cell>
              <HeartbeatBar node={node.name} beats={node.heartbeats} />
            </Cell>
            <Cell>{node.lastHeartbeatAt === null ? "never" : <Ago iso={node.lastHeartbeatAt} />}</Cell>
            <Cell className="font-mono text-xs">{node.address}</Cell>
            <Cell numeric>{node.pid ?? "none"}</Cell>
            <Cell numeric>
              {node.slotsUsed} of {node.slots}
            </Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}

function Legend() {
  return (
    <p className="mt-1.5 flex flex-wrap gap-x-4 text-ink-faint text-xs">
      <Status tone="good">all beats came</Status>
      <Status tone="warn">some are missing</Status>
      <Status tone="bad">most are missing</Status>
      <Status tone="idle">not known</Status>
      <span>Oldest left; the height is the share that came.</span>
    </p>
  );
}

function ServersTable({ nodes, stale }: Shown) {
  const rows = nodes.flatMap((node) => node.servers.map((server) => ({ ...server, node: node.name })));
  const troubledFirst = rows.toSorted((one, other) => Number(one.state === "up") - Number(other.state === "up"));
  return (
    <Table label="Servers">
      <thead>
        <tr>
          <HeaderCell>Server</HeaderCell>
          <HeaderCell>State</HeaderCell>
          <HeaderCell>Role</HeaderCell>
          <HeaderCell>Node</HeaderCell>
          <HeaderCell>Also hosts</HeaderCell>
          <HeaderCell>Since</HeaderCell>
          <HeaderCell numeric>Process</HeaderCell>
        </tr>
      </thead>
      <tbody>
        {troubledFirst.map((server) => (
          <Row key={server.name}>
            <RowHeader>{server.name}</RowHeader>
            <Cell>
              <Status tone={stale ? "idle" : serverStateTones[server.state]}>{stale ? "stale" : server.state}</Status>
            </Cell>
            <Cell>{server.role}</Cell>
            <Cell>{server.node}</Cell>
            <Cell className="text-ink-soft">{(server.hosts ?? []).map(titleOf).join(", ")}</Cell>
            <Cell>
              <Time iso={server.since} />
            </Cell>
            <Cell numeric>{server.pid ?? "none"}</Cell>
          </Row>
        ))}
      </tbody>
    </Table>
  );
}
