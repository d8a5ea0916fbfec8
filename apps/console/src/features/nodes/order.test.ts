import { describe, expect, it } from "vitest";
import { orderByTrouble, type ShownNode, troublesOf } from "./order.ts";

const node = (name: string, state: ShownNode["state"], servers: ShownNode["servers"] = []): ShownNode => ({
  name,
  state,
  slots: 8,
  servers,
});

describe("nodes in trouble", () => {
  const nodes = [
    node("node-2", "up"),
    node("node-10", "up", [{ name: "state-replica-2", state: "suspect" }]),
    node("node-1", "up"),
    node("node-3", "down"),
  ];
  it("come first, then healthy nodes by number", () => {
    expect(orderByTrouble(nodes).map(({ name }) => name)).toEqual(["node-3", "node-10", "node-1", "node-2"]);
  });
  it("are named, and their servers too", () => {
    expect(troublesOf(nodes)).toEqual(["node-3 is down", "state-replica-2 is suspect"]);
  });
});
