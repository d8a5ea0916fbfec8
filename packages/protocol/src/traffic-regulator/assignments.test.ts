import { describe, expect, test } from "vitest";
import type { Checkpoint } from "../core.ts";
import { type Dispatched, fails, MEMBERS, PASS, Stage } from "./stage.test-support.ts";

/** The regulator dies before it has judged, and finds a settlement that kept the change. */
function restartWithSurvivor(stage: Stage, request: Dispatched, checkpoint?: Checkpoint): void {
  stage.mastersAnswer = false;
  stage.restart(checkpoint);
  const claim = stage.sentOf("claimPrimary").at(-1)?.message;
  const nonce = claim?.kind === "claimPrimary" ? claim.nonce : "";
  const component = "traffic-regulator" as const;
  stage.decide({ kind: "primary", component, server: "traffic-regulator-1", epoch: stage.nextSlot, nonce });
  stage.settle(stage.core.placement()[0]?.holder ?? "", undefined, [request]);
  stage.mastersAnswer = true;
  expect(stage.core.describe(request.requestId)).toEqual({ log: "L3", state: "surviving" });
}

function judge(stage: Stage, request: Dispatched): void {
  for (const member of MEMBERS) stage.answer(member, request, { verdict: fails() });
}

describe("a wrong change that outlived the regulator's process", () => {
  test("ends the server that made it, which is convicted by the shadow run", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    restartWithSurvivor(stage, request);
    judge(stage, request);
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: request.server, incarnation: "1" }]);
    const [run] = stage.shadowRuns;
    if (!run) throw new Error("no shadow run");
    expect(run.server).not.toBe(request.server);
    stage.shadowVerdicts(run, PASS);
    expect(stage.factsOf("serverConvicted")).toMatchObject([{ server: request.server, incarnation: "1" }]);
  });

  test("does so also when the regulator starts from a checkpoint", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    restartWithSurvivor(stage, request, stage.checkpoint());
    judge(stage, request);
    expect(stage.factsOf("discardServer")).toMatchObject([{ server: request.server, incarnation: "1" }]);
  });

  test("ends nobody where its domain has changed hands since the request was admitted", () => {
    const stage = new Stage();
    const request = stage.dispatch("alice", { object: "a" });
    stage.settle("execution-server-2", undefined, [request]);
    restartWithSurvivor(stage, request);
    judge(stage, request);
    expect(stage.factsOf("discardServer")).toEqual([]);
    expect(stage.transcript).toContain("state-master-1: requestEpoch for execution-server-2 without r1");
  });
});
