/** Versions of the application at the regulator, and a wrong acceptance test deployed as a new one, told as stories. */
import type { ApplicationChoice } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { application, configurationOf, type Dispatched, fails, PASS, Stage } from "./stage.test-support.ts";
import type { RegulatedApplication } from "./types.ts";

const second: RegulatedApplication = { ...application, version: "second" };
const CLIENTS = ["alice", "bob", "carol"] as const;
/** Each client has an address of its own: blocks are by address too. */
const from = (client: string, options: Record<string, unknown> = {}) => ({
  address: `127.9.0.${client.charCodeAt(0)}`,
  ...options,
});

const choice = (current: string, order: number, replaces?: string): ApplicationChoice => ({
  order,
  current,
  trialRequests: 1_000,
  ...(replaces === undefined ? {} : { replaces }),
});

let configurations = 1;
function choose(stage: Stage, application: ApplicationChoice): void {
  stage.message("configuration-manager-1", { ...configurationOf({ application }), version: ++configurations });
}

/** Everybody has had a request verified, and the second version admits requests. */
function onSecondVersion(): Stage {
  const stage = new Stage({}, { otherVersions: [second] });
  for (const client of CLIENTS) stage.answerAll(stage.dispatch(client, { object: `account/${client}` }, from(client)));
  choose(stage, choice("second", 1, "application"));
  return stage;
}

/** The wrong test fails the request, on its server and alone on two others; the discarded process is replaced. */
function failsEverywhere(stage: Stage, dispatched: Dispatched): void {
  stage.answerAll(dispatched, { verdict: fails() });
  for (let runs = 0; runs < 2; runs++) {
    stage.pass(50);
    const run = stage.shadowRuns.filter(({ requestId }) => requestId === dispatched.requestId).at(-1);
    if (run) stage.shadowVerdicts(run, fails());
  }
  stage.message("configuration-manager-1", withoutDiscarded(stage));
}

/** Discarded processes come back under new incarnations. */
function withoutDiscarded(stage: Stage) {
  const times = (server: string) => stage.factsOf("discardServer").filter((fact) => fact.server === server).length;
  const executionServers = configurationOf().executionServers.map((each) => ({
    ...each,
    incarnation: String(1 + times(each.server)),
  }));
  return { ...latest(stage), executionServers, version: ++configurations };
}

const latest = (stage: Stage) =>
  stage.journal.flatMap((record) => (record.kind === "configuration" ? [record.configuration] : [])).at(-1) ??
  configurationOf();

/** Closes what the regulator asks to be closed. */
function close(stage: Stage): void {
  for (const { message } of stage.sentOf("close"))
    if (message.kind === "close") stage.decide({ kind: "closed", requestId: message.requestId } as never);
}

describe("versions side by side", () => {
  test("a request finishes on the version that admitted it; the next is admitted under the new one", () => {
    const stage = new Stage({}, { otherVersions: [second] });
    const before = stage.dispatch("alice", { object: "account/1" }, from("alice"));
    choose(stage, choice("second", 1, "application"));
    const after = stage.dispatch("bob", { object: "account/2" }, from("bob"));
    expect(before.ticket.body.applicationVersion).toBe("application");
    expect(after.ticket.body.applicationVersion).toBe("second");
    stage.executionFailed(before, "crash");
    stage.pass(300);
    const again = [...stage.dispatches, ...stage.shadowRuns].filter(({ requestId }) => requestId === before.requestId);
    expect(again.length).toBeGreaterThan(1);
    for (const { ticket } of again) expect(ticket.body.applicationVersion).toBe("application");
    const last = stage.dispatches.filter(({ requestId }) => requestId === after.requestId).at(-1) as Dispatched;
    expect(last.ticket.body.applicationVersion).toBe("second");
    stage.answerAll(last);
    expect(stage.status(after.exchange)).toBe(200);
  });

  test("a version whose bundle is not here yet admits nothing; it does as soon as it has come", () => {
    const stage = new Stage();
    choose(stage, choice("second", 1, "application"));
    expect(stage.dispatch("alice", { object: "account/1" }, from("alice")).ticket.body.applicationVersion).toBe(
      "application",
    );
    stage.input({ kind: "loaded", application: second });
    expect(stage.dispatch("alice", { object: "account/2" }, from("alice")).ticket.body.applicationVersion).toBe(
      "second",
    );
  });

  test("a restarted regulator goes on with the version it had, and each request with its own", () => {
    const stage = new Stage({}, { otherVersions: [second] });
    const first = stage.dispatch("alice", { object: "account/1" }, from("alice"));
    choose(stage, choice("second", 1, "application"));
    const next = stage.dispatch("bob", { object: "account/2" }, from("bob"));
    stage.restart();
    stage.pass(1_000);
    const versionOf = ({ requestId }: Dispatched) =>
      stage.dispatches.filter((each) => each.requestId === requestId).at(-1)?.ticket.body.applicationVersion;
    expect(versionOf(first)).toBe("application");
    expect(versionOf(next)).toBe("second");
    expect(stage.dispatch("carol", { object: "account/3" }, from("carol")).ticket.body.applicationVersion).toBe(
      "second",
    );
  });

  test("a repeated request gets its answer though the new version would refuse it", () => {
    const narrower = { ...second, validate: () => [{ field: "/object", expected: "something else", got: "text" }] };
    const stage = new Stage({}, { otherVersions: [narrower] });
    const done = stage.dispatch("alice", { object: "account/1" }, from("alice", { key: "k" }));
    stage.answerAll(done);
    choose(stage, choice("second", 1, "application"));
    expect(stage.status(stage.admit("alice", { object: "account/1" }, from("alice", { key: "k" })))).toBe(200);
    expect(stage.status(stage.admit("alice", { object: "account/2" }, from("alice", { key: "l" })))).toBe(400);
  });
});

describe("a wrong acceptance test deployed as a new version", () => {
  test("the third client trips the breaker: 503, nobody stays blocked, nothing stays learned, the incident names the way back", () => {
    const stage = onSecondVersion();
    const exchanges = CLIENTS.map((client) => {
      const dispatched = stage.dispatch(
        client,
        { object: `account/${client}/x` },
        from(client, { key: `k-${client}` }),
      );
      failsEverywhere(stage, dispatched);
      close(stage);
      stage.pass(500);
      return dispatched.exchange;
    });
    expect(stage.factsOf("breakerTripped")).toMatchObject([
      {
        applicationVersion: "second",
        operation: "put",
        check: "conserves",
        previousVersion: "application",
        retracted: 2,
      },
    ]);
    expect(stage.status(exchanges[2] as string)).toBe(503);
    for (const principal of CLIENTS) expect(stage.core.isBlocked({ principal })).toBe(false);
    const learned = stage.factsOf("signatureLearned").length;
    expect(stage.journal.filter(({ kind }) => kind === "signatureRevoked")).toHaveLength(learned);
  });

  test("what was withheld is served by the version that is restored, under the same key", () => {
    const stage = onSecondVersion();
    for (const client of CLIENTS) {
      failsEverywhere(
        stage,
        stage.dispatch(client, { object: `account/${client}/x` }, from(client, { key: `k-${client}` })),
      );
      close(stage);
      stage.pass(500);
    }
    const repeated = stage.admit("carol", { object: "account/carol/x" }, from("carol", { key: "k-carol" }));
    expect(stage.status(repeated)).toBe(503);
    choose(stage, choice("application", 2));
    stage.pass(200);
    const again = stage.dispatches.at(-1) as Dispatched;
    expect(again.ticket.body.applicationVersion).toBe("application");
    stage.answerAll(again);
    expect(stage.status(stage.admit("carol", { object: "account/carol/x" }, from("carol", { key: "k-carol" })))).toBe(
      200,
    );
    expect(stage.factsOf("breakerClosed")).toHaveLength(1);
  });

  test("while it is tripped requests of the operation are tried in shadow first; other operations are not", () => {
    const stage = onSecondVersion();
    for (const client of CLIENTS) {
      failsEverywhere(stage, stage.dispatch(client, { object: `account/${client}/x` }, from(client)));
      close(stage);
      stage.pass(500);
    }
    const dispatched = stage.dispatches.length;
    const runs = stage.shadowRuns.length;
    const bad = stage.admit("dave", { object: "account/dave" }, from("dave"));
    const good = stage.admit("alice", { object: "account/good" }, from("alice"));
    expect(stage.dispatches).toHaveLength(dispatched);
    const [first, other] = stage.shadowRuns.slice(runs) as [Dispatched, Dispatched];
    stage.shadowVerdicts(first, fails());
    stage.shadowVerdicts(other, PASS);
    expect(stage.status(bad)).toBe(503);
    expect(stage.core.isBlocked({ principal: "dave" })).toBe(false);
    stage.answerAll(stage.dispatches.at(-1) as Dispatched);
    expect(stage.status(good)).toBe(200);
    const discarded = stage.factsOf("discardServer").length;
    const read = stage.dispatch("bob", { object: "account/good" }, from("bob", { operation: "get" }));
    stage.answerAll(read, { verdict: PASS, durable: false });
    expect(stage.status(read.exchange)).toBe(200);
    expect(stage.factsOf("discardServer")).toHaveLength(discarded);
  });

  test("a restart keeps the breaker open", () => {
    const stage = onSecondVersion();
    for (const client of CLIENTS) {
      failsEverywhere(stage, stage.dispatch(client, { object: `account/${client}/x` }, from(client)));
      close(stage);
      stage.pass(500);
    }
    stage.restart();
    stage.pass(1_000);
    const before = stage.dispatches.length;
    stage.admit("dave", { object: "account/dave" }, from("dave"));
    stage.pass(100);
    expect(stage.dispatches).toHaveLength(before);
  });
});
