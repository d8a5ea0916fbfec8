"use client";
/**
 * The cluster as the paper draws it (Figure 1): a request goes clockwise, from the client through the regulator to an execution server,
 * its changes to the state farm, the reply through an acceptance test back to the regulator and out. The manager stands below,
 * watching all of it through the node agents. Every edge carries what goes over it now.
 */
import type { FeedComponent, TrafficCounters, TrafficEnd } from "@redoubt/shared";
import { Users } from "lucide-react";
import type { ReactNode } from "react";
import { formatCount, plural } from "@/text/format";
import { type Degree, groupTitles } from "../tolerance";
import { Edge } from "./edge";
import { Farm, type FarmServer } from "./farm";

interface TopologyNode {
  name: string;
  servers: readonly (Omit<FarmServer, "node"> & { component: FeedComponent; hosts?: FeedComponent[] })[];
}

export interface TopologyProps {
  nodes: readonly TopologyNode[];
  degrees: Partial<Record<FeedComponent, Degree>>;
  logs: { L1: number; L2: number; L3: number };
  traffic: TrafficCounters | null;
  stale: boolean;
}

/** Servers of a component, the hosted ones too, in the order of their numbers. */
function serversOf(nodes: readonly TopologyNode[], component: FeedComponent): FarmServer[] {
  const found = nodes.flatMap((node) =>
    node.servers
      .filter((server) => server.component === component || server.hosts?.includes(component) === true)
      .map((server) => ({
        ...server,
        node: node.name,
        role: server.component === component ? server.role : "collocated",
      })),
  );
  return found.sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
}

export function Topology({ nodes, degrees, logs, traffic, stale }: TopologyProps) {
  const rate = (from: TrafficEnd, to: TrafficEnd): number | null => {
    if (traffic === null || stale) return null;
    // What nobody counts is not known, which is something else than nothing.
    return traffic.edges.find((edge) => edge.from === from && edge.to === to)?.ratePerSecond ?? null;
  };
  const farm = (component: FeedComponent, children?: ReactNode) => (
    <Farm
      component={component}
      title={groupTitles[component]}
      servers={serversOf(nodes, component)}
      degree={degrees[component]}
      stale={stale}
      narrow={component !== "execution-server" && !component.startsWith("state-")}
    >
      {children}
    </Farm>
  );
  return (
    <div className="relative overflow-x-auto rounded-md border border-line bg-sunken/60 p-3">
      <div className="grid min-w-[660px] grid-cols-[56px_76px_minmax(204px,5fr)_84px_minmax(240px,7fr)] items-stretch">
        <div className="flex flex-col items-center justify-center gap-1 text-ink-soft">
          <Users aria-hidden className="size-5" strokeWidth={1.6} />
          <span className="text-xs">Clients</span>
        </div>
        <div className="flex flex-col justify-center">
          <Edge direction="right" what="requests" ratePerSecond={rate("client", "traffic-regulator")} />
          <Edge direction="left" what="replies" ratePerSecond={rate("traffic-regulator", "client")} />
        </div>
        {farm("traffic-regulator", <Logs logs={logs} />)}
        <Edge direction="right" what="dispatched" ratePerSecond={rate("traffic-regulator", "execution-server")} />
        {farm("execution-server")}

        <div className="col-span-2" />
        <Edge
          direction="up"
          what="verdicts, replies"
          ratePerSecond={
            rate("acceptance-test-server", "traffic-regulator") ?? rate("state-replica", "traffic-regulator")
          }
          className="h-12"
        />
        <div />
        <Edge
          direction="down"
          what="state changes"
          ratePerSecond={rate("execution-server", "state-replica")}
          className="h-12"
        />

        <div className="col-span-2" />
        {farm("acceptance-test-server")}
        <Edge direction="left" what="C1, replies" ratePerSecond={rate("state-replica", "acceptance-test-server")} />
        {farm("state-replica")}

        <div className="col-span-4" />
        <Edge
          direction="down"
          what="reports, labels"
          ratePerSecond={rate("state-replica", "state-master")}
          className="h-12"
        />

        <div className="col-span-3">{farm("configuration-manager", <ManagerNote nodes={nodes.length} />)}</div>
        <div />
        {farm("state-master")}
      </div>
    </div>
  );
}

/** The manager is on no edge: it watches from the side. */
function ManagerNote({ nodes }: { nodes: number }) {
  return (
    <p className="mt-2 text-2xs text-ink-faint leading-[15px]">
      Watches and starts every server through the agents of {plural(nodes, "node")}. Requests never pass here.
    </p>
  );
}

function Logs({ logs }: { logs: { L1: number; L2: number; L3: number } }) {
  const rows = [
    { name: "L3", what: "pending", count: logs.L3 },
    { name: "L2", what: "verified", count: logs.L2 },
    { name: "L1", what: "malformed", count: logs.L1 },
  ];
  return (
    <dl className="mt-2 border-line border-t pt-1.5">
      {rows.map(({ name, what, count }) => (
        <div key={name} className="flex items-baseline gap-1.5 text-2xs leading-[17px]">
          <dt className="text-ink-faint">
            <span className="font-medium text-ink">{name}</span> {what}
          </dt>
          <dd className="ml-auto font-medium">{formatCount(count)}</dd>
        </div>
      ))}
    </dl>
  );
}
