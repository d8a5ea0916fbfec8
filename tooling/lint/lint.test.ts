import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { lint, rules } from "./lint.mjs";

const fixtures = fileURLToPath(new URL("fixtures", import.meta.url));

/** What each failing fixture is told: a part of the one message it must get. */
const expectedMessages: Record<string, Record<string, string>> = {
  boundaries: {
    "acceptance-imports-execution": "acceptance.ts may import only ./contract.ts",
    "acceptance-imports-library": "acceptance.ts may import only ./contract.ts",
    "adversary-imports-database": "packages/adversary/ may not import @redoubt/database",
    "adversary-imports-node": "packages/adversary/ may not import node:crypto",
    "application-imports-protocol": "packages/application/ may not import @redoubt/protocol",
    "cli-imports-database": "apps/cli/ may not import @redoubt/database",
    "cli-imports-protocol": "apps/cli/ may not import @redoubt/protocol",
    "cli-imports-router-at-run-time": "of @redoubt/cluster/api only types",
    "client-imports-protocol": "packages/client/ may not import @redoubt/protocol",
    "cluster-imports-console": "apps/cluster/ may not import @redoubt/console",
    "cluster-imports-prisma": "only packages/database may import @prisma/client",
    "cluster-imports-simulator": "apps/cluster/ may not import @redoubt/simulator",
    "console-imports-cluster": "of @redoubt/cluster/api only types",
    "console-imports-protocol": "apps/console/ may not import @redoubt/protocol",
    "console-page-imports-database": "only by the console's server code",
    "database-imports-protocol": "packages/database/ may not import @redoubt/protocol",
    "dynamic-import": "packages/client/ may not import @redoubt/protocol",
    "not-listed": "leftpad is not listed",
    "protocol-component-imports-another": "state-replica imports state-master",
    "protocol-component-imports-index": "state-replica imports index.ts",
    "protocol-imports-application-at-run-time": "of @redoubt/application only types",
    "protocol-imports-database": "packages/protocol/ may not import @redoubt/database",
    "protocol-imports-external": "packages/protocol/ may not import zod",
    "protocol-imports-node": "packages/protocol/ may not import node:crypto",
    "reaches-into-another-package": "reaches out of apps/cli to packages/client/src/client.ts",
    "shared-imports-node": "packages/shared/ may not import node:crypto",
    "shared-imports-ours": "packages/shared/ may not import @redoubt/client",
    "simulator-imports-cluster": "packages/simulator/ may not import @redoubt/cluster",
    "simulator-imports-node": "packages/simulator/ may not import node:crypto",
  },
  dependencies: {
    any: 'zod is "*"',
    "incomplete-lock": "no entry for tool-darwin-arm64@1.0.0",
    "listed-but-gone": "left-pad is listed but not used",
    "no-reason": "zod has no reason",
    "not-explained": "zod 4.6.7 is not listed",
    "other-version": "zod is listed as 4.6.6, used is 4.6.7",
    range: 'zod is "^4.6.7"',
  },
  drills: { "imports-a-drill": "../drills/lying-replica.ts is misbehaviour" },
  environment: {
    "in-a-package": "only in env.ts",
    "in-the-cluster": "only in env.ts",
  },
  length: {
    grown: "411 lines, allowed are 410",
    shrunk: "packages/shared/src/long.ts has shrunk",
    "too-long": "401 lines, allowed are 400",
  },
  purity: {
    async: "async has no place",
    chance: "Math.random has no place",
    clock: "Date has no place",
    console: "console has no place",
    fetch: "fetch has no place",
    "in-the-adversary": "Date has no place",
    "in-the-simulator": "Math.random has no place",
    interval: "setInterval has no place",
    performance: "performance has no place",
    process: "process has no place",
    promise: "Promise has no place",
    timer: "setTimeout has no place",
    "way-round": "globalThis has no place",
  },
  tests: {
    only: "every test runs",
    "run-if": "every test runs",
    skip: "every test runs",
    sleep: "never sleeps",
    "sleep-in-a-page": "never sleeps",
    todo: "every test runs",
  },
  words: {
    "expected-error": "is for tests only",
    "machine-path": "is a path of one machine",
    "switched-off": "correct the cause instead",
    unfinished: "finish it or write an issue",
    "unfinished-in-a-document": "finish it or write an issue",
  },
};

describe.each(Object.entries(expectedMessages))("rule %s", (rule, cases) => {
  test.each(Object.entries(cases))("refuses %s, and no other rule speaks", (name, message) => {
    const problems = lint(`${fixtures}/${rule}/${name}`);
    expect(new Set(problems.map((problem) => problem.rule))).toEqual(new Set([rule]));
    expect(problems.map((problem) => problem.message).join("\n")).toContain(message);
  });

  test("has an expectation for each of its fixtures", () => {
    expect(readdirSync(`${fixtures}/${rule}`).sort()).toEqual(Object.keys(cases).sort());
  });
});

test("every rule has fixtures that fail", () => {
  expect(Object.keys(expectedMessages).sort()).toEqual(rules.map((rule) => rule.name).sort());
});

test("a project in order passes, with banned words in its comments, strings and tests", () => {
  expect(lint(`${fixtures}/clean/everything-in-order`)).toEqual([]);
});
