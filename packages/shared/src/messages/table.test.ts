import { describe, expect, it } from "vitest";
import { isControlKind, MAY_SEND_CONTROL } from "../control.ts";
import { hasLayout } from "../wire/messages.ts";
import { MAY_SEND } from "./table.ts";

const rows = Object.entries(MAY_SEND).flatMap(([receiver, senders]) =>
  Object.entries(senders).flatMap(([sender, kinds]) => (kinds ?? []).map((kind) => ({ receiver, sender, kind }))),
);
const sentBy = (component: string) => rows.filter(({ sender }) => sender === component);

describe("who may send what", () => {
  it("lets an execution server reach members, testers and the regulator, by these messages and no others", () => {
    const edges = sentBy("execution-server").map(({ receiver, kind }) => `${receiver}: ${kind}`);
    expect(edges.sort()).toEqual([
      "acceptance-test-server: shadowResult",
      "state-replica: change",
      "state-replica: evidence",
      "state-replica: fetch",
      "state-replica: shadowResult",
      "traffic-regulator: executionFailed",
    ]);
  });

  it("reads nothing an execution server may send with the general codec", () => {
    for (const { kind } of sentBy("execution-server")) expect([kind, hasLayout(kind)]).toEqual([kind, true]);
  });

  it("lets only the regulator hand out work and ticket keys, and only the manager give it orders", () => {
    const sendersOf = (kind: string) => rows.filter((row) => row.kind === kind).map(({ sender }) => sender);
    for (const kind of ["dispatch", "shadowRun", "ticketKey", "answerAgain", "requestEpoch", "close"])
      expect([kind, sendersOf(kind)]).toEqual([kind, ["traffic-regulator"]]);
    for (const kind of ["regulatorConfiguration", "serverGone", "quarantineOrder", "readLog", "factsAcknowledged"])
      expect([kind, sendersOf(kind)]).toEqual([kind, ["configuration-manager"]]);
  });

  it("lets only masters decide, and only masters and candidates agree", () => {
    const senders = new Set(rows.filter(({ kind }) => kind === "stream").map(({ sender }) => sender));
    expect([...senders]).toEqual(["state-master"]);
    expect(rows.filter(({ kind }) => kind === "paxos")).toEqual([
      { receiver: "state-master", sender: "state-master", kind: "paxos" },
    ]);
  });

  it("has each kind once per edge, and no kind of a control message", () => {
    const edges = rows.map(({ receiver, sender, kind }) => `${receiver} ${sender} ${kind}`);
    expect(new Set(edges).size).toBe(edges.length);
    for (const { kind } of rows) expect([kind, isControlKind(kind)]).toEqual([kind, false]);
  });

  it("leaves orders to processes and certificates to the manager", () => {
    for (const kind of ["directory", "membership", "certificate", "processOrder"] as const)
      expect(MAY_SEND_CONTROL[kind].from).toEqual(["configuration-manager"]);
    for (const kind of ["certify", "healthReport"] as const)
      expect(MAY_SEND_CONTROL[kind].from).toEqual(["node-agent"]);
    expect(isControlKind("__proto__")).toBe(false);
  });
});
