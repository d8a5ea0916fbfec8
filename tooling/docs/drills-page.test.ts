import { describe, expect, test } from "vitest";
import { drillsPage, summarize } from "./drills-page.mjs";

type Report = Parameters<typeof drillsPage>[0][number];

const report = (drill: string, change: Partial<Report> = {}): Report => ({
  ...{ drill, title: `title of ${drill}`, detected: true, by: "an acceptance test failed", evidence: null },
  ...{ detectedInMs: 100, containedInMs: 400, wrongReplyReleased: 0, bystandersHarmed: 0, requests: 50 },
  verdict: "detected",
  ...change,
});

describe("the page of drills", () => {
  const reports = [
    report("F1", { verdict: "survived", detectedInMs: 9_000 }),
    report("A10", { detectedInMs: 300 }),
    report("A2"),
    report("A33", { verdict: "open", detected: false, detectedInMs: null, containedInMs: null }),
    report("B1", { verdict: "failed", bystandersHarmed: 2, by: "a | b" }),
  ];

  test("lists every drill once, in the order of the catalogue", () => {
    const rows = drillsPage(reports)
      .split("\n")
      .filter((line) => /^\| [A-Z]\d/.test(line));
    expect(rows.map((line) => line.split(" | ")[0])).toEqual(["| A2", "| A10", "| A33", "| B1", "| F1"]);
    expect(rows[3]).toContain("a \\| b");
  });

  test("counts failures as what they are", () => {
    expect(summarize(reports)).toEqual({
      ...{ detected: 2, survived: 1, failed: 1, open: 1, wrongRepliesReleased: 0, bystandersHarmed: 2 },
      medianDetectionMs: 100,
    });
    expect(drillsPage(reports)).toContain("2 detected, 1 survived, 1 failed, 1 open.");
  });

  test("is the same for the same results in any order", () => {
    expect(drillsPage([...reports].reverse())).toBe(drillsPage(reports));
  });
});
