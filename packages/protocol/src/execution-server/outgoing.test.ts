import type { ChangeRecord, StoredVersion } from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { digestEvidence } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { digestOf, MEMBERS, REGULATOR } from "../testing/toy.test-support.ts";

import { deposit, type Server, serverWith } from "./server.test-support.ts";

describe("a change", () => {
  function sentChange(): { server: Server; record: ChangeRecord; digest: ReturnType<typeof digestOf> } {
    const server = serverWith(1);
    server.dispatch(deposit(1, "a"));
    server.answerFetches();
    server.finish(server.last(), { "account/1": 101 });
    const record = server.changes()[0] as ChangeRecord;
    server.effects = [];
    return { server, record, digest: digestOf(record) };
  }

  it("is sent again to those that have not acknowledged it, until they have", () => {
    const { server, digest } = sentChange();
    server.receive(MEMBERS[0], { kind: "acknowledged", digests: [digest] });
    server.wait(250);
    expect(server.sent("state-replica", "change").map(({ to }) => to)).toEqual([MEMBERS[1], MEMBERS[2]]);
    for (const member of MEMBERS) server.receive(member, { kind: "acknowledged", digests: [digest] });
    expect(server.core.outgoingCount).toBe(0);
  });

  it("is sent more and more rarely to a member that acknowledges nothing, and often again to one that does", () => {
    const { server } = sentChange();
    const times: number[] = [];
    for (let round = 1; round <= 20; round++) {
      server.effects = [];
      server.wait(200);
      if (server.sent("state-replica", "change").some(({ to }) => to === MEMBERS[1])) times.push(round);
    }
    expect(times).toEqual([1, 2, 4, 9, 17]);
    server.receive(MEMBERS[1], { kind: "acknowledged", digests: [] });
    server.effects = [];
    server.wait(200);
    expect(server.sent("state-replica", "change").map(({ to }) => to)).toEqual([MEMBERS[1]]);
  });

  it("is sent again on demand, but no member can make a flood of it", () => {
    const { server } = sentChange();
    for (let count = 0; count < 100; count++) server.receive(MEMBERS[1], { kind: "resend", epoch: 2, fromSerial: 1 });
    expect(server.sent("state-replica", "change")).toHaveLength(1);
  });

  it("refused by one member is not given up; by t+1 it is, and the clusters are fetched again", () => {
    const { server, record } = sentChange();
    const { requestId } = record.ticket.body;
    const refusal = { kind: "refused", requestId, attempt: 1, reason: "obsolete-request" } as const;
    server.receive(MEMBERS[0], refusal);
    server.receive(MEMBERS[0], refusal);
    expect(server.failures()).toEqual([]);
    server.receive(MEMBERS[1], refusal);
    expect(server.failures()).toMatchObject([{ reason: "refused" }]);
    server.dispatch(deposit(1, "b"));
    server.answerFetches();
    server.finish(server.last(), { "account/1": 101 });
    expect(server.changes().at(-1)).toMatchObject({
      serial: 2,
      links: [{ predecessorSerial: 1, follows: ZERO_DIGEST }],
      writes: [{ number: 2 }],
    });
  });

  it("is signed for within 20 ms, once for all that were sent meanwhile", () => {
    const { server, digest } = sentChange();
    server.dispatch(deposit(1, "b"));
    server.finish(server.last(), { "account/1": 102 });
    server.wait(20);
    const evidence = server.sent("state-replica", "evidence");
    expect(evidence.map(({ to }) => to)).toEqual([...MEMBERS]);
    const digests = [digest, digestOf(server.changes()[0] as ChangeRecord)];
    expect(evidence[0]?.message).toMatchObject({ digests, signature: `signed ${digestEvidence(nodeHasher, digests)}` });
  });
});

describe("a shadow run", () => {
  it("starts from the versions named, goes to the home members, touches no cache, and is repeated when asked", () => {
    const server = serverWith(1);
    const { ticket, input } = deposit(1, "a");
    const { object, number, epoch, c1 } = server.objects.get("account/1") as StoredVersion;
    const run = { kind: "shadowRun", run: "r", ticket, input, reads: [{ object, number, epoch, c1 }] } as const;
    server.receive(REGULATOR, run);
    expect(server.sent("state-replica", "fetch")[0]?.message).toMatchObject({ objects: [], at: [{ object, c1 }] });
    server.answerFetches([MEMBERS[2]]);
    expect(server.executions()).toMatchObject([{ disposable: true, provided: [{ bytes: "100" }] }]);
    server.finish(server.last(), { "account/1": 101 });
    expect(server.sent("state-replica", "shadowResult").map(({ to }) => to)).toEqual([...MEMBERS]);
    server.receive(REGULATOR, run);
    expect(server.sent("state-replica", "shadowResult")).toHaveLength(6);
    expect(server.changes()).toEqual([]);
    server.dispatch(deposit(1, "b"));
    expect(server.sent("state-replica", "fetch")).not.toEqual([]);
  });

  it("that crashes tells the run's name", () => {
    const server = serverWith(1);
    const { ticket, input } = deposit(1, "a");
    server.receive(REGULATOR, { kind: "shadowRun", run: "r", ticket, input, reads: [] });
    server.answerFetches();
    const execution = server.last();
    server.step({ kind: "failed", execution, reason: "timeout", detail: "slow", alsoInside: [], now: 0, wall: 0 });
    expect(server.failures()).toMatchObject([{ run: "r", reason: "timeout" }]);
  });
});
