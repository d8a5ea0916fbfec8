import { describe, expect, it } from "vitest";
import { pageOf, readPlace } from "./place.ts";
import {
  addressOf,
  addressOfObject,
  addressOfRequest,
  commandOf,
  fromLocalField,
  noSearch,
  readSearch,
  toLocalField,
  versionsInput,
} from "./search.ts";

const read = (address: string) => readSearch(new URL(address, "http://console").searchParams);
const request = "ab".repeat(32);

describe("a search in the URL", () => {
  it("comes back as it went", () => {
    const versions = { ...noSearch, show: "versions", request, server: "execution-server-1" } as const;
    const window = { from: "2026-03-01T12:00:00.000Z", to: "2026-03-01T13:00:00.000Z", before: "1.2.3" };
    for (const search of [noSearch, { ...noSearch, prefix: "account/a&b=%" }, { ...versions, ...window }])
      expect(read(addressOf(search))).toEqual(search);
    expect(addressOf(noSearch)).toBe("/state");
  });

  it("drops what cannot be and what is not of this kind", () => {
    expect(read("/state?show=all&request=zz&from=yesterday&before=%27--")).toEqual(noSearch);
    expect(addressOf({ ...noSearch, show: "versions", prefix: "account/" })).toBe("/state?show=versions");
  });

  it("leads to requests, and to one version of an object whatever its name", () => {
    expect(addressOfRequest(request)).toBe(`/requests/${request}`);
    expect(addressOfObject("note/a b/c?", { number: 7, epoch: 2 })).toBe("/state/note%2Fa%20b%2Fc%3F?version=7.2");
  });

  it("finds the page of a version that the newest page does not show", () => {
    const place = readPlace(
      new URL(addressOfObject("a/1", { number: 7, epoch: 2, slot: 90 }), "http://c").searchParams,
    );
    expect(pageOf(place, [{ number: 60, epoch: 2 }])).toBe("90.8");
    expect(pageOf(place, [{ number: 7, epoch: 2 }])).toBe("");
    expect(pageOf(readPlace(new URLSearchParams("version=7.2&slot=x")), [])).toBe("");
  });

  it("asks for what is given only, and names the command that finds the same", () => {
    const search = { ...noSearch, show: "versions", server: "execution-server-1" } as const;
    expect(versionsInput(search)).toEqual({ limit: 50, executionServer: "execution-server-1" });
    expect(commandOf(search)).toBe("npx redoubt state list --server execution-server-1");
    expect(commandOf({ ...noSearch, prefix: "account/1" })).toBe("npx redoubt state list account/1");
  });
});

describe("a time field", () => {
  it("holds the reader's own time, to the minute", () => {
    const local = toLocalField("2026-03-01T12:34:56.000Z");
    expect(local).toMatch(/^2026-0[23]-\d\dT\d\d:\d4$/);
    expect(fromLocalField(local)).toBe("2026-03-01T12:34:00.000Z");
    expect([toLocalField(""), fromLocalField("")]).toEqual(["", ""]);
  });
});
