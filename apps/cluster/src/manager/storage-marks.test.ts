import type { ServerName } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { StorageMarks } from "./storage-marks.ts";

const server = "state-replica-1" as ServerName;
const event = (state: "found" | "repaired", record: number, object = "account/1", version = 3) => ({
  ...{ state, record, object, version },
});

describe("marks of damage", () => {
  test("a version is corrupt from when it was found so until it is repaired", () => {
    const marks = new StorageMarks();
    expect(marks.of(server, 7)).toBeUndefined();
    marks.take(server, [event("found", 7)]);
    expect([marks.of(server, 7), marks.corruptVersions(server, "account/1")]).toEqual(["corrupt", [3]]);
    marks.take(server, [event("repaired", 7, "", 0)]);
    expect([marks.of(server, 7), marks.corruptVersions(server, "account/1")]).toEqual(["repaired", []]);
    expect(marks.of("state-replica-2" as ServerName, 7), "of another server").toBeUndefined();
  });

  test("however many there are, the newest twenty thousand are kept", () => {
    const marks = new StorageMarks();
    for (let record = 1; record <= 20_010; record++) marks.take(server, [event("found", record)]);
    expect([marks.of(server, 10), marks.of(server, 11)]).toEqual([undefined, "corrupt"]);
  });

  test("survive the manager: made again from its feed, under what was told since it started", () => {
    const told = (state: "found" | "repaired", record: number) => ({
      ...({ kind: "storage.damage", severity: "warning", number: 1, at: "", seenAt: "", node: "node-1" } as const),
      ...{ server, state, record, object: record === 9 ? null : "account/1", version: 3 },
    });
    const marks = new StorageMarks();
    marks.take(server, [event("repaired", 8)]);
    marks.restore([told("found", 9), told("found", 8), told("repaired", 7), told("found", 7)]);
    expect([7, 8, 9].map((record) => marks.of(server, record))).toEqual(["repaired", "repaired", "corrupt"]);
    expect(marks.corruptVersions(server, "account/1")).toEqual([]);
  });
});
