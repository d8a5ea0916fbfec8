import { COMPONENTS, type Component, GENERAL_TAG, MAY_SEND } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { packGeneral } from "./record-codec.ts";
import { decodeMessage, encodeMessage, maySend } from "./wire.ts";

const general = (message: unknown): Uint8Array => {
  const body = packGeneral(message);
  return Uint8Array.of(GENERAL_TAG, ...body);
};

describe("a frame is read only when its sender may send it to this receiver", () => {
  it("for every sender, receiver and kind of the table, and for no other pair", () => {
    const kinds = new Set(Object.values(MAY_SEND).flatMap((row) => Object.values(row).flatMap((each) => each ?? [])));
    for (const receiver of COMPONENTS) {
      for (const sender of COMPONENTS) {
        for (const kind of kinds) {
          const isListed = MAY_SEND[receiver]?.[sender]?.includes(kind) ?? false;
          expect([receiver, sender, kind, maySend(kind, sender, receiver)]).toEqual([receiver, sender, kind, isListed]);
        }
      }
    }
  });

  it("is refused with a reason that names both, so that the link can be closed and reported", () => {
    const frame = encodeMessage({ kind: "follow", after: 0, restarted: false });
    expect(decodeMessage(frame, "state-replica", "state-master")).toMatchObject({ ok: true });
    expect(decodeMessage(frame, "state-replica", "traffic-regulator")).toEqual({
      ok: false,
      reason: "a state-replica may not send follow to a traffic-regulator",
    });
  });

  it("never by names that every object has", () => {
    for (const kind of ["__proto__", "constructor", "toString"])
      expect(decodeMessage(general({ kind }), "state-replica", "state-master")).toMatchObject({ ok: false });
  });
});

describe("an execution server's frames", () => {
  it("without a layout are refused unread, but for its health report to the manager", () => {
    const frame = general({ kind: "serverHealth" });
    expect(decodeMessage(frame, "execution-server", "state-replica")).toMatchObject({
      reason: "a frame without a layout",
    });
    expect(decodeMessage(frame, "execution-server", "configuration-manager")).toMatchObject({ ok: true });
    const large = new Uint8Array(65 * 1024);
    expect(decodeMessage(large, "execution-server", "configuration-manager")).toMatchObject({ ok: false });
  });

  it("that are malformed, empty or not what they seem are refused, not thrown", () => {
    const frames = [
      new Uint8Array(),
      Uint8Array.of(1),
      Uint8Array.of(99, 1, 2, 3),
      Uint8Array.of(4, 255, 255, 255, 255),
    ];
    for (const frame of frames) expect(decodeMessage(frame, "execution-server", "state-replica").ok).toBe(false);
  });
});

describe("frames of state replicas and acceptance test servers, of which some may be captured", () => {
  const digest = "a".repeat(64);
  const report = {
    ...{ kind: "refusalReport", executionServer: "execution-server-1", requestId: digest, attempt: 1 },
    ...{ reason: "scope", detail: "seen", act: "malformed" },
  };
  const read = (message: unknown, sender: Component = "state-replica", receiver: Component = "traffic-regulator") =>
    decodeMessage(general(message), sender, receiver);

  it("are read when every field is of its type", () => {
    expect(read(report)).toEqual({ ok: true, message: report });
  });

  it("are refused when one is missing or of another type: the receiver would end at its first use", () => {
    for (const field of Object.keys(report).filter((name) => name !== "act"))
      for (const value of [undefined, null, {}, [], Number.NaN, true])
        expect([field, read({ ...report, [field]: value }).ok]).toEqual([field, false]);
    expect(read({ ...report, act: "no such act" })).toMatchObject({
      reason: "a refusalReport that is not of its shape",
    });
    expect(read({ ...report, detail: "x".repeat(5_000) }).ok).toBe(false);
  });

  it("are refused when they hold what has a layout, or a kind that the receiver does not know", () => {
    const answer = { kind: "answer", requestId: digest, attempt: 1, changeDigest: digest, replyDigest: digest };
    expect(read({ ...answer, follows: 5, durable: true, known: false })).toMatchObject({
      reason: "a frame without a layout",
    });
    expect(read({ kind: "report", changes: [{}] }, "acceptance-test-server", "state-master").ok).toBe(false);
    expect(read({ kind: "constructor" }).ok).toBe(false);
  });

  it("are refused at every receiver and for every kind when nothing but the kind is there", () => {
    for (const receiver of COMPONENTS)
      for (const sender of ["state-replica", "acceptance-test-server"] as const)
        for (const kind of MAY_SEND[receiver]?.[sender] ?? [])
          expect([kind, read({ kind }, sender, receiver).ok]).toEqual([kind, false]);
  });

  it("come through the codec as they were sent, absent fields included", () => {
    const body = {
      ...{ requestId: digest, attempt: 1, operation: "transfer", applicationVersion: digest, inputDigest: digest },
      ...{ principal: "alice", now: 1_700_000_000_000.5, seed: digest, readOnly: false },
      ...{ executionServer: "execution-server-1", regulatorEpoch: 1 },
      ...{ clusters: [{ cluster: 1023, epoch: 2 ** 33, members: ["state-replica-1"] }], home: 1023 },
      ...{ profile: "basic", testers: ["acceptance-test-server-1"], faultsTolerated: 1, expiresAt: 1_700_000_001_000 },
    };
    const parent = { number: 0, epoch: 0, c1: "0".repeat(64) };
    const write = { object: "account/1", number: 1, epoch: 2, parent, bytes: "{}" };
    const version = { ...write, requestId: digest, c1: digest };
    const read = { object: "account/1", number: 1, epoch: 2, c1: digest };
    const common = {
      reads: [read],
      ...{ serial: 1, links: [{ cluster: 1023, epoch: 2, predecessorSerial: 0, follows: digest }] },
    };
    const ticket = { body, entries: { "state-replica-1": digest }, mastersEntry: digest };
    const record = { ...common, ticket, input: "{}", reply: "{}", writes: [write] };
    const written = { ...read, parent };
    const summary = { ...common, ticket: body, mastersEntry: digest, replyDigest: digest, writes: [written] };
    const tip = { cluster: 1023, epoch: 2, follows: digest };
    const event = { number: 1, identity: "j", state: "found", record: 7, object: "", version: 0, at: 1.5 };
    const described = { number: 1, epoch: 2, c1: digest, status: "pending", requestId: digest, executionServer: "" };
    const access = { object: "account/1", mode: "fetch", granted: true };
    const objects = [{ object: "account/1", version }];
    const none = [{ object: "account/1", version: null }];
    const sent: readonly (readonly [Component, Record<string, unknown>])[] = [
      ["acceptance-test-server", { kind: "memberAnswer", summary, changeDigest: digest, accesses: [access] }],
      ["acceptance-test-server", { kind: "memberAnswer", summary, changeDigest: digest, audit: undefined }],
      ["acceptance-test-server", { kind: "record", digest, record, before: [version] }],
      ["acceptance-test-server", { kind: "record", digest, record: null, before: [] }],
      ["execution-server", { kind: "fetched", fetch: "1", objects, tips: [tip] }],
      ["execution-server", { kind: "fetched", fetch: "1", objects: none, tips: [tip] }],
      ["state-replica", { kind: "changes", records: [record] }],
      [
        "state-master",
        { kind: "promised", epoch: 2, clusters: [{ from: 0, to: 1023 }], undecided: [summary], appliedThrough: 9 },
      ],
      ["state-master", { kind: "follow", after: 0, restarted: true, identity: undefined }],
      ["state-master", { kind: "damage", events: [event] }],
      ["configuration-manager", { kind: "objectDescription", query: "q", object: "account/1", versions: [described] }],
    ];
    for (const [receiver, message] of sent)
      expect(decodeMessage(encodeMessage(message as never), "state-replica", receiver)).toEqual({ ok: true, message });
  });

  it("of the trusted are not looked at field by field", () => {
    expect(read({ kind: "stream" }, "state-master").ok).toBe(true);
  });
});

describe("frames of the general codec", () => {
  it("that are no message, or torn, are refused", () => {
    for (const frame of [general(5), general(null), general([1]), general({}), Uint8Array.of(GENERAL_TAG, 0xdf, 0xff)])
      expect(decodeMessage(frame, "state-master", "state-replica").ok).toBe(false);
  });

  it("with prototype keys give an object whose prototype is untouched (A34)", () => {
    const key = "__proto__";
    // {"kind": "follow", "__proto__": {"polluted": true}} by hand: a literal would set the prototype.
    const map = [0x82, ...text("kind"), ...text("follow"), ...text(key), 0x81, ...text("polluted"), 0xc3];
    const decoded = decodeMessage(Uint8Array.of(GENERAL_TAG, ...map), "state-replica", "state-master");
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    if (decoded.ok) expect((decoded.message as unknown as Record<string, unknown>).polluted).toBeUndefined();
  });
});

/** A short text of msgpack. */
const text = (value: string): number[] => [0xa0 + value.length, ...Buffer.from(value)];
