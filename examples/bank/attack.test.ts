import { type AttackReport, attackFolder } from "@redoubt/application/test";
import { beforeAll, describe, expect, test } from "vitest";

/** A quarter of a minute on two idle cores: 250 mutants are each bundled and run in a thread of their own. */
const LIMIT_MS = 480_000;

describe("the bank under attack, by forged results and by mutants of its handlers", () => {
  let report: AttackReport;
  beforeAll(async () => {
    report = await attackFolder(import.meta.dirname, { cases: 24 });
  }, LIMIT_MS);

  test("catches 100 % of what changes the state", () => {
    expect(report.survivors.filter(({ harm }) => harm === "state")).toEqual([]);
    expect(report.stateChanging.caught).toBe(report.stateChanging.tried);
    expect(report.stateChanging.tried).toBeGreaterThan(5_000);
  });

  test("was attacked by every behaviour that is about results, and by mutants of every file", () => {
    for (const { behaviour, state, reply, access } of report.behaviours)
      expect({ behaviour, tried: state.tried + reply.tried + access.tried > 20 }).toEqual({ behaviour, tried: true });
    const mutants = report.mutants ?? [];
    expect(new Set(mutants.map(({ file }) => file))).toEqual(new Set(["execution.ts", "statement-import.ts"]));
    expect(mutants.filter(({ fate }) => fate === "caught").length).toBeGreaterThan(150);
  });

  test("accepts no honest work less for it", () => {
    expect(
      report.operations.filter(({ rejected, crashed, unstable }) => rejected > 0 || crashed > 0 || unstable),
    ).toEqual([]);
  });

  test("lets nothing through but the free text of a statement, and names the wording that would close that too", () => {
    expect(new Set(report.survivors.map(({ operation, harm }) => `${operation} ${harm}`))).toEqual(
      new Set(["statement reply"]),
    );
    for (const { caughtBy } of report.survivors)
      expect(caughtBy.map(({ text }) => text).join()).toContain("reply.body.text === `Statement of ");
  });
});
