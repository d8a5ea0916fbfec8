import { COMPONENTS, GENERAL_TAG, MAY_SEND } from "@redoubt/shared";
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
