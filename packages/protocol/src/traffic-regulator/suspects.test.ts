import { expect, test } from "vitest";
import { configurationOf, type Dispatched, PASS, SERVERS, Stage } from "./stage.test-support.ts";

/** A stage on which discarded processes are replaced at once. */
function stageWithSpares(): { readonly stage: Stage; readonly replace: () => void } {
  const stage = new Stage();
  let version = 1;
  const replace = (): void => {
    version += 1;
    const live = new Set(SERVERS);
    const executionServers = [...live].map((server) => ({
      server,
      incarnation: `${version}`,
      publicKey: `key of ${server}`,
    }));
    stage.message("configuration-manager-1", configurationOf({ version, executionServers }));
    for (let waited = 0; waited < 5; waited++) {
      stage.heartbeat();
      stage.pass(100);
    }
  };
  return { stage, replace };
}

const last = (stage: Stage): Dispatched => stage.dispatches.at(-1) as Dispatched;

/** One request that its server misses the deadline with and another server does well: a busy machine does that. */
function missDeadline(stage: Stage, object: string): void {
  const request = stage.dispatch("alice", { object });
  stage.executionFailed(request, "timeout");
  stage.heartbeat();
  stage.pass(100);
  const run = stage.shadowRuns.shift();
  if (run) stage.shadowVerdicts(run, PASS);
  stage.heartbeat();
  stage.pass(100);
  stage.answerAll(last(stage));
  expect(stage.status(request.exchange)).toBe(200);
}

test("a client whose requests missed deadlines on a slow machine leaves the suspect lane when they pass there", () => {
  const { stage, replace } = stageWithSpares();
  for (const object of ["a", "b", "c"]) {
    missDeadline(stage, object);
    replace();
  }
  expect(stage.factsOf("serverConvicted")).toHaveLength(3);
  let alone = 0;
  for (let turn = 0; turn < 40; turn++) {
    const request = stage.dispatch("alice", { object: `x${turn}` });
    if (request.disposable) alone += 1;
    stage.answerAll(request);
    expect(stage.status(request.exchange)).toBe(200);
  }
  // With the last one that had failed, which was made again in a worker of its own.
  expect(alone + 1).toBe(16);
});
