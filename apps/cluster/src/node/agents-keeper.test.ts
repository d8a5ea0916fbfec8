import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  endLeftovers,
  isAlive,
  kill,
  type ProcessRecord,
  ProcessSupervisor,
  readProcessRecord,
} from "../adapters/supervisor/index.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../adapters/testing/temporary-directory.ts";
import { waitUntil } from "../adapters/testing/wait.ts";
import { AgentsKeeper, agentsInCare } from "./agents-keeper.ts";

const NODES = ["node-1", "node-2", "node-3"];
const gone =
  (...names: string[]) =>
  (node: string) =>
    names.includes(node);

test("nobody is in care while all live", () => expect(agentsInCare("node-1", NODES, gone())).toEqual([]));

test("whoever has ended is in the care of the nearest living agent before it, and of nobody else", () => {
  expect(agentsInCare("node-1", NODES, gone("node-2"))).toEqual(["node-2"]);
  expect(agentsInCare("node-3", NODES, gone("node-2"))).toEqual([]);
  expect(agentsInCare("node-3", NODES, gone("node-1"))).toEqual(["node-1"]);
  expect(agentsInCare("node-3", NODES, gone("node-1", "node-2"))).toEqual(["node-1", "node-2"]);
});

test("the agent of a cluster's only node is in nobody's care", () =>
  expect(agentsInCare("node-1", ["node-1"], gone("node-1"))).toEqual([]));

let scratch: TemporaryDirectory;
let supervisor: ProcessSupervisor;
let keeper: AgentsKeeper;
let failures: unknown[];
const run = () => join(scratch.path, "run");
/** Starts nothing while this is set. */
let refuses = false;
const unwilling = new Error("no process can be started");
const startAgent = (node: string): Promise<ProcessRecord> =>
  supervisor.start({
    name: node,
    command: "/bin/sh",
    arguments: ["-c", "exec sleep 300"],
    environment: { PATH: "/usr/bin:/bin" },
  });

beforeEach(() => {
  scratch = temporaryDirectory();
  failures = [];
  refuses = false;
  supervisor = new ProcessSupervisor({
    runDirectory: run(),
    logDirectory: join(scratch.path, "logs"),
    onEnd: () => undefined,
  });
  keeper = new AgentsKeeper({
    node: "node-1",
    nodes: NODES,
    runDirectory: run(),
    endingFile: join(scratch.path, "ending"),
    start: (node) => (refuses ? Promise.reject(unwilling) : startAgent(node)),
    onRestart: () => undefined,
    onFailure: (_node, error) => failures.push(error),
  });
});

afterEach(async () => {
  keeper.close();
  supervisor.close();
  await endLeftovers(run(), { graceMs: 0 });
  scratch.remove();
});

test("an agent that has ended is started again", async () => {
  await startAgent("node-3");
  const second = await startAgent("node-2");
  await keeper.look();
  kill(second);
  await waitUntil(() => {
    const now = readProcessRecord(run(), "node-2");
    return now !== undefined && now.pid !== second.pid;
  }, "another agent of node-2");
  expect(failures).toEqual([]);
});

test("while the cluster is being ended no agent is started again", async () => {
  writeFileSync(join(scratch.path, "ending"), "");
  const agents = [await startAgent("node-2"), await startAgent("node-3")];
  for (const agent of agents) kill(agent);
  await waitUntil(() => !agents.some(isAlive), "the end of both");
  await keeper.look();
  expect(NODES.map((node) => readProcessRecord(run(), node)).filter((record) => record && isAlive(record))).toEqual([]);
});

test("one that cannot be started is tried again later, and does not keep the others from it", async () => {
  const agents = [await startAgent("node-2"), await startAgent("node-3")];
  await keeper.look();
  refuses = true;
  for (const agent of agents) kill(agent);
  await waitUntil(() => failures.length >= 2, "two failures");
  expect(failures.every((error) => error === unwilling)).toBe(true);
});
