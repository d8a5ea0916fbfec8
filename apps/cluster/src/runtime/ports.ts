/** Ports of a cluster, counted from its base (DESIGN §8). */
import type { Component } from "@redoubt/shared";

const FIRST_OFFSET: Readonly<
  Record<Exclude<Component, "node-agent">, { readonly first: number; readonly count: number }>
> = {
  "traffic-regulator": { first: 10, count: 3 },
  "configuration-manager": { first: 13, count: 3 },
  "execution-server": { first: 16, count: 16 },
  "acceptance-test-server": { first: 32, count: 10 },
  "state-replica": { first: 42, count: 14 },
  "state-master": { first: 56, count: 14 },
};

export const portsOf = (base: number) => ({
  clientApi: base,
  console: base + 1,
  administration: base + 2,
  metrics: base + 3,
  /** Agents share a port where every node has an address of its own. */
  agent: base + 9,
  agentOnOneAddress: (index: number): number => base + 4 + index,
  server(component: Exclude<Component, "node-agent">, number: number): number {
    const { first, count } = FIRST_OFFSET[component];
    if (number < 1 || number > count)
      throw new RangeError(`${component}-${number}: at most ${count} of this component have a port`);
    return base + first + number - 1;
  },
  masterPostgres: (number: number): number => base + 69 + number,
  managerPostgres: (number: number): number => base + 85 + number,
  authPostgres: base + 95,
});

/** How many servers of a component can have a port. */
export const serversMax = (component: Exclude<Component, "node-agent">): number => FIRST_OFFSET[component].count;

export const PORT_BLOCK = 100;
