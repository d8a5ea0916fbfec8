import { describe, expect, it } from "vitest";
import { listInput, noFilters, readFilters, writeFilters } from "./filters.ts";
import { holdRows } from "./held-rows.ts";

describe("filters in the URL", () => {
  it("come back as they went", () => {
    const filters = { ...noFilters, state: "confirmed", reason: "leak", client: "a&b=c" } as const;
    expect(readFilters(new URLSearchParams(writeFilters(filters)))).toEqual(filters);
    expect(writeFilters(noFilters)).toBe("");
  });
  it("ignore what they do not know", () => {
    expect(readFilters(new URLSearchParams("state=gone&reason=x&limit=1e9"))).toEqual(noFilters);
  });
  it("ask for everything undecided unless told otherwise", () => {
    expect(listInput(noFilters).states).toEqual(["new", "claimed", "waiting-second"]);
    expect(listInput({ ...noFilters, state: "all" })).not.toHaveProperty("states");
  });
});

describe("holdRows", () => {
  const row = (requestId: string, state = "new") => ({ requestId, state });
  it("lets new rows appear when nobody is in the table", () => {
    expect(holdRows(null, [row("b"), row("a")])).toEqual({ rows: [row("b"), row("a")], waiting: 0 });
  });
  it("moves and removes nothing under the pointer, counts what waits, and still updates contents", () => {
    const frozen = [row("b"), row("a")];
    expect(holdRows(frozen, [row("d"), row("c"), row("b", "claimed")])).toEqual({
      rows: [row("b", "claimed"), row("a")],
      waiting: 2,
    });
  });
});
