import { describe, expect, test } from "vitest";
import { countVitest } from "../check/unit.mjs";
import { countFromLastLine, sum } from "./count.mjs";
import { countPlaywright } from "./playwright.mjs";
import { runGroup } from "./process-group.mjs";
import { countSimulation, expectedFaults } from "./simulation.mjs";
import { countTorture } from "./torture.mjs";

describe("a part that ends with a line of JSON", () => {
  test("is counted as it says", () => {
    expect(countFromLastLine('log\n{"passed":3,"failed":0}\n', 0)).toEqual({ passed: 3, failed: 0 });
    expect(countFromLastLine('{"passed":3,"failed":2}', 1)).toEqual({ passed: 3, failed: 2 });
  });

  test.each([
    ["said nothing", "", 0, undefined],
    ["said something else", '{"passed":"3"}', 0, undefined],
    ["ran nothing", '{"passed":0,"failed":0}', 0, undefined],
    ["counted no failure but failed", '{"passed":3,"failed":0}', 1, undefined],
    ["was ended", '{"passed":3,"failed":0}', 0, "did not end within 10 s"],
  ])("has failed once when it %s", (_, output, code, reason) => {
    const count = countFromLastLine(output, code, reason);
    expect(count.failed).toBe(1);
    expect(count.reason).toBeDefined();
  });
});

describe("the simulator's report", () => {
  const faults = Object.fromEntries(expectedFaults.map((kind) => [kind, 1]));
  const all = expectedFaults.length + 1;

  test("passes when nothing was violated and every fault happened", () => {
    expect(countSimulation(JSON.stringify({ violations: [], faults }), 0)).toEqual({ passed: all, failed: 0 });
  });

  test("fails for a violation and names its seed", () => {
    const count = countSimulation(JSON.stringify({ violations: [{ seed: 17, invariant: "I3" }], faults }), 1);
    expect(count).toMatchObject({ passed: all - 1, failed: 1, reason: expect.stringContaining("17") });
  });

  test("fails for each kind of fault that never happened", () => {
    const count = countSimulation(JSON.stringify({ violations: [], faults: { ...faults, loss: 0, crashes: 0 } }), 0);
    expect(count).toMatchObject({ passed: all - 2, failed: 2, reason: "never happened: crashes, loss" });
  });

  test("fails without a report", () => {
    expect(countSimulation("Segmentation fault", 139)).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe("reports of test runners", () => {
  test("a skipped or unfinished unit test counts as failed, and so does a file that does not load", () => {
    const report = {
      numPassedTests: 5,
      numFailedTests: 1,
      numPendingTests: 1,
      numTodoTests: 1,
      testResults: [
        { status: "failed", assertionResults: [] },
        { status: "failed", assertionResults: [{}] },
      ],
    };
    expect(countVitest(report)).toEqual({ passed: 5, failed: 4 });
  });

  test("a skipped or flaky browser test counts as failed", () => {
    const stats = { expected: 4, unexpected: 1, flaky: 1, skipped: 1 };
    expect(countPlaywright(JSON.stringify({ stats }), 1)).toEqual({ passed: 4, failed: 3 });
  });

  test("a browser run without a report or without a test has failed", () => {
    expect(countPlaywright("", 1)).toMatchObject({ failed: 1 });
    const stats = { expected: 0, unexpected: 0, flaky: 0, skipped: 0 };
    expect(countPlaywright(JSON.stringify({ stats }), 0)).toMatchObject({ failed: 1, reason: "ran no test" });
  });
});

test("parts add up", () => {
  expect(
    sum([
      { passed: 1, failed: 0 },
      { passed: 2, failed: 3 },
    ]),
  ).toEqual({ passed: 3, failed: 3 });
});

describe("a program with a time limit", () => {
  test("is ended with everything it started, and says so", async () => {
    const script =
      "require('node:child_process').spawn('sleep', ['1000'], { stdio: 'inherit' }); setInterval(() => {}, 1000)";
    const result = await runGroup(process.execPath, ["-e", script], { limitMs: 300 });
    expect(result.reason).toBe("did not end within 0 s");
    expect(result.code).not.toBe(0);
  });

  test("returns what it printed and its exit code", async () => {
    const result = await runGroup(process.execPath, ["-e", "console.log('done'); process.exitCode = 3"], {
      limitMs: 20_000,
    });
    expect(result).toEqual({ code: 3, output: "done\n" });
  });

  test("has a reason when it cannot be started", async () => {
    const result = await runGroup("/nowhere/program", [], { limitMs: 1000 });
    expect(result.reason).toContain("cannot be started");
  });
});

describe("the report of a torture run", () => {
  const report = { cycles: 6, lost: 0, doubled: 0, serializable: true, unanswered: 0, harmed: 0, seed: 3 };

  test("counts every cycle, and the history of replies", () => {
    expect(countTorture(JSON.stringify(report), 0)).toEqual({ passed: 7, failed: 0 });
  });

  test.each([
    ["an acknowledged request is lost", { ...report, lost: 1 }, 1],
    ["an effect is doubled", { ...report, doubled: 1 }, 1],
    ["no serial order exists", { ...report, serializable: false }, 1],
    ["a request stayed unanswered", { ...report, unanswered: 1 }, 1],
    ["an honest client was turned away", { ...report, harmed: 1 }, 1],
    ["nothing was ended", { ...report, cycles: 0 }, 0],
    ["it broke off", { error: "the cluster whole again: not within 60 s", seed: 3 }, 1],
    ["it failed without saying why", report, 1],
  ])("fails when %s", (_, said, code) => {
    expect(countTorture(JSON.stringify(said), code)).toMatchObject({ failed: 1, reason: expect.any(String) });
  });
});
