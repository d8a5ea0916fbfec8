import { describe, expect, it } from "vitest";
import { type Placement, placeServers, type WantedCounts } from "./placement.ts";

const nodes = Array.from({ length: 5 }, (_, index) => ({ name: `node-${index + 1}`, slots: 8 }));
const wanted: WantedCounts = {
  "configuration-manager": 1,
  "traffic-regulator": 1,
  "execution-server": 3,
  "state-replica": 3,
  "state-master": 3,
};

function place(counts: WantedCounts, current: readonly Placement[] = [], on = nodes): Placement[] {
  const result = placeServers(on, counts, current);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

describe("placement", () => {
  it("gives every component its count, numbered from one", () => {
    const servers = place(wanted).map(({ server }) => server);
    expect(servers).toHaveLength(11);
    expect(new Set(servers).size).toBe(11);
    expect(servers).toContain("state-replica-3");
  });

  it("spreads a component over different nodes", () => {
    for (const component of ["state-replica", "state-master", "execution-server"] as const) {
      const used = place(wanted)
        .filter((placement) => placement.component === component)
        .map(({ node }) => node);
      expect(new Set(used).size).toBe(3);
    }
  });

  it("keeps regulator and manager apart", () => {
    const placed = place(wanted);
    const nodeOf = (server: string) => placed.find((placement) => placement.server === server)?.node;
    expect(nodeOf("traffic-regulator-1")).not.toBe(nodeOf("configuration-manager-1"));
  });

  it("moves nothing that runs when a degree grows, and takes the highest numbers away when it shrinks", () => {
    const before = place(wanted);
    const grown = place({ ...wanted, "execution-server": 5 }, before);
    expect(grown).toEqual(expect.arrayContaining(before));
    expect(grown).toHaveLength(13);
    const shrunk = place(wanted, grown);
    expect(new Set(shrunk.map(({ server }) => server))).toEqual(new Set(before.map(({ server }) => server)));
  });

  it("names the component and how many slots are missing", () => {
    const result = placeServers([{ name: "node-1", slots: 8 }], { ...wanted, "execution-server": 3 }, []);
    expect(result).toEqual({ ok: false, error: { component: "execution-server", missing: 3 } });
  });

  it("places again what ran on a node that is gone", () => {
    const before = place(wanted);
    const after = place(wanted, before, nodes.slice(1));
    expect(after).toHaveLength(11);
    expect(after.every(({ node }) => node !== "node-1")).toBe(true);
  });
});
