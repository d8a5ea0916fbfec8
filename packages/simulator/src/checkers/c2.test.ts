import { expect, test } from "vitest";
import { checkC2 } from "./c2.ts";
import { healthyHistory, invariantsOf, lastOf, otherDigest, recordsOf, tampered } from "./history.test-support.ts";

test("a healthy history passes, on rows of every master", () => {
  const { versionRows } = healthyHistory();
  expect(versionRows.size).toBe(3);
  for (const rows of versionRows.values()) expect(rows.length).toBeGreaterThan(20);
  expect(checkC2(healthyHistory())).toEqual([]);
});

test("a row with another C1 or another C2 than the bytes give is found (I5)", () => {
  for (const name of ["c1", "c2"] as const) {
    const history = tampered(({ versionRows }) => {
      const row = versionRows.get("state-master-2/1")?.at(-1);
      if (row) row[name] = otherDigest("a");
    });
    expect(invariantsOf(checkC2(history))).toEqual(["I5"]);
  }
});

test("bytes that are not those the masters decided on are found (I5), in every later C2 of the object too", () => {
  const history = tampered((draft) => {
    const [write] = recordsOf(draft, lastOf(draft, "deposit").requestId).flatMap(({ record }) => record.writes);
    for (const { record } of recordsOf(draft, lastOf(draft, "deposit").requestId))
      for (const each of record.writes) if (each.object === write?.object) each.bytes = each.bytes.replace("{", "{ ");
  });
  expect(checkC2(history).length).toBeGreaterThanOrEqual(3);
});

test("a row of a version that was never verified is found (I5)", () => {
  const history = tampered(({ versionRows }) => {
    for (const rows of versionRows.values()) for (const row of rows.slice(-1)) row.number += 1;
  });
  expect(invariantsOf(checkC2(history))).toEqual(["I5"]);
});
