/** Frames of the request path: what an execution server may send is the first thing a trusted process reads of an attacker. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../bytes.ts";
import type { ChangeRecord, ChangeSummary, Ticket } from "../change.ts";
import type { Digest, RequestId } from "../ids.ts";
import { LIMITS } from "../limits.ts";
import type { AnyMessage } from "../messages/table.ts";
import { decodeLaidOut, encodeLaidOut, GENERAL_TAG, hasLayout } from "./messages.ts";

const digest = (digit: string): Digest => digit.repeat(64) as Digest;
const requestId = digest("a") as string as RequestId;

const ticket: Ticket = {
  body: {
    requestId,
    attempt: 2,
    operation: "transfer",
    applicationVersion: "v1",
    inputDigest: digest("b"),
    principal: "alice",
    now: 1_700_000_000_000,
    seed: digest("c"),
    readOnly: false,
    executionServer: "execution-server-1",
    regulatorEpoch: 3,
    clusters: [{ cluster: 7, epoch: 4, members: ["state-replica-1", "state-replica-2"] }],
    home: 7,
    profile: "basic",
    testers: ["state-replica-1"],
    faultsTolerated: 1,
    expiresAt: 1_700_000_001_000,
  },
  entries: { "state-replica-1": digest("d") },
  mastersEntry: digest("e"),
};
const reference = { object: "account/1", number: 3, epoch: 4, c1: digest("f") };
const parent = { number: 3, epoch: 4, c1: digest("f") };
const link = { cluster: 7, epoch: 4, predecessorSerial: 5, follows: digest("1") };
const record: ChangeRecord = {
  ticket,
  input: '{"to":"ä"}',
  reply: '{"status":200}',
  reads: [reference],
  writes: [{ object: "account/1", number: 4, epoch: 4, parent, bytes: "5" }],
  serial: 6,
  links: [link],
};
const summary: ChangeSummary = {
  ticket: ticket.body,
  mastersEntry: ticket.mastersEntry,
  replyDigest: digest("2"),
  reads: [reference],
  writes: [{ ...reference, parent }],
  serial: 6,
  links: [link],
};

const fail = { kind: "fail", check: "conserves", detail: "no" } as const;
const messages: readonly AnyMessage[] = [
  { kind: "change", record },
  { kind: "shadowResult", run: "r/2", record },
  { kind: "fetch", fetch: "f1", ticket, input: "{}", objects: ["account/1"], at: [reference] },
  { kind: "evidence", digests: [digest("3"), digest("4")], signature: "ab" },
  { kind: "executionFailed", requestId, attempt: 1, reason: "crash", detail: "", alsoInside: [requestId] },
  { kind: "executionFailed", requestId, attempt: 1, reason: "cpu", detail: "d", alsoInside: [] },
  { kind: "executionFailed", requestId, attempt: 1, run: "r/2", reason: "stale", detail: "d", alsoInside: [] },
  { kind: "dispatch", ticket, input: "{}", disposable: true },
  {
    kind: "answer",
    requestId,
    attempt: 1,
    changeDigest: digest("5"),
    replyDigest: digest("6"),
    follows: [digest("7")],
    durable: true,
    known: false,
    verdict: fail,
    reply: "{}",
    reads: [reference],
  },
  {
    kind: "report",
    changes: [
      { digest: digest("8"), summary, durable: true, verdict: { kind: "pass" } },
      { digest: digest("9"), summary, durable: false, verdict: { kind: "unable", detail: "died" } },
      { digest: digest("9"), summary, durable: false },
    ],
  },
];

const encode = (message: AnyMessage): Uint8Array => {
  const frame = encodeLaidOut(message);
  if (!frame) throw new Error(`${message.kind} has no layout`);
  return frame.slice();
};

describe.each(messages.map((message) => [message.kind, message] as const))("a frame of %s", (_kind, message) => {
  it("is read as it was written", () => {
    expect(decodeLaidOut(encode(message))).toEqual(message);
  });

  it("cut short anywhere, or with a byte too many, is refused", () => {
    const frame = encode(message);
    for (let length = 0; length < frame.length; length++)
      expect(() => decodeLaidOut(frame.subarray(0, length))).toThrow(RangeError);
    expect(() => decodeLaidOut(Uint8Array.of(...frame, 0))).toThrow(RangeError);
  });

  it("with any byte changed is refused by a RangeError or read as another well-formed message", () => {
    const frame = encode(message);
    for (let at = 0; at < frame.length; at++) {
      for (const byte of [0, 0x7f, 0xff]) {
        const bent = frame.slice();
        bent[at] = byte;
        expectTotal(bent);
      }
    }
  });
});

/** Reading never ends in anything but a value that can be written again, or a RangeError. */
function expectTotal(frame: Uint8Array): void {
  let read: AnyMessage;
  try {
    read = decodeLaidOut(frame);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return;
  }
  expect(decodeLaidOut(encode(read))).toEqual(read);
}

describe("frames of nobody's making", () => {
  it("are refused: empty, of the general codec's tag, of an unknown tag", () => {
    for (const frame of [new Uint8Array(), Uint8Array.of(GENERAL_TAG, 1, 2), Uint8Array.of(200)])
      expect(() => decodeLaidOut(frame)).toThrow(RangeError);
  });

  it("of random bytes are read to a value or refused, never more", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 400 }), (tag, bytes) => {
        expectTotal(Uint8Array.of(tag, ...bytes));
      }),
      { numRuns: 3_000 },
    );
  });

  it("that announce more than they bring are refused before anything is made of them", () => {
    const list = new ByteWriter().u8(4).u32(0xffff_ffff).finish();
    expect(() => decodeLaidOut(list)).toThrow(/at most 256/);
    const text = new ByteWriter().u8(2).u32(0xffff_fff0).finish();
    expect(() => decodeLaidOut(text)).toThrow("truncated");
  });

  it("with text that is not UTF-8, or numbers beyond exact integers, are refused", () => {
    expect(() => decodeLaidOut(new ByteWriter().u8(2).bytes(Uint8Array.of(0xff, 0xfe)).finish())).toThrow(RangeError);
    const frame = encode({ ...messages[4], attempt: 0 } as AnyMessage);
    frame.fill(0xff, 33, 41);
    expect(() => decodeLaidOut(frame)).toThrow("integer out of range");
  });
});

describe("limits hold while reading", () => {
  const long = (length: number) => "x".repeat(length);
  const cases: readonly [string, AnyMessage][] = [
    [
      "an object's value",
      {
        kind: "change",
        record: { ...record, writes: [{ ...record.writes[0], bytes: long(LIMITS.objectBytesMax + 1) }] },
      } as AnyMessage,
    ],
    [
      "an object's name",
      { kind: "change", record: { ...record, reads: [{ ...reference, object: long(LIMITS.objectNameBytesMax + 1) }] } },
    ],
    ["a reply", { kind: "change", record: { ...record, reply: long(LIMITS.replyBytesMax + 1) } }],
    ["an input", { kind: "fetch", fetch: "f", ticket, input: long(LIMITS.inputBytesMax + 1), objects: [], at: [] }],
    [
      "objects of a fetch",
      {
        kind: "fetch",
        fetch: "f",
        ticket,
        input: "",
        objects: Array.from({ length: LIMITS.objectsPerRequestMax + 1 }, () => "o"),
        at: [],
      },
    ],
    [
      "digests of an evidence",
      { kind: "evidence", digests: Array.from({ length: 257 }, () => digest("1")), signature: "" },
    ],
    ["object clusters", { kind: "change", record: { ...record, links: [{ ...link, cluster: 1_024 }] } }],
    [
      "members",
      {
        kind: "change",
        record: {
          ...record,
          ticket: {
            ...ticket,
            body: {
              ...ticket.body,
              clusters: [{ cluster: 7, epoch: 4, members: Array.from({ length: 33 }, () => "m") }],
            },
          },
        },
      },
    ],
  ];
  it.each(cases)("%s", (_what, message) => {
    expect(() => decodeLaidOut(encode(message))).toThrow(RangeError);
  });
});

describe("names that mean something to JavaScript", () => {
  it("in a ticket's entries are plain keys of that object and change nothing else (A34)", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const entries = Object.fromEntries([[name, digest("d")]]) as Ticket["entries"];
      const read = decodeLaidOut(encode({ kind: "change", record: { ...record, ticket: { ...ticket, entries } } }));
      if (read.kind !== "change") throw new Error("unreachable");
      expect(Object.getOwnPropertyNames(read.record.ticket.entries)).toEqual([name]);
      expect(Object.getPrototypeOf(read.record.ticket.entries)).toBe(Object.prototype);
      expect(Object.hasOwn(read.record.ticket.entries, "state-replica-1")).toBe(false);
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    }
  });

  it("are no kinds of messages with a layout", () => {
    for (const kind of ["__proto__", "constructor", "toString"]) expect(hasLayout(kind)).toBe(false);
    expect(encodeLaidOut({ kind: "constructor" } as unknown as AnyMessage)).toBeUndefined();
  });
});
