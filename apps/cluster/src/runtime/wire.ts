/**
 * Frames ↔ messages, and the table of who may send what (DESIGN §10). Frames of execution servers are read by the
 * hand-laid layouts only; the general codec reads nothing of theirs but their small health reports. What it reads of state
 * replicas and acceptance test servers, some of which may be captured, is looked at field by field before anybody uses it.
 */
import {
  type AnyMessage,
  type Component,
  type ControlMessage,
  decodeLaidOut,
  encodeLaidOut,
  GENERAL_TAG,
  hasLayout,
  isControlKind,
  isOfItsShape,
  MAY_SEND,
  MAY_SEND_CONTROL,
} from "@redoubt/shared";
import { packGeneral, unpackGeneral } from "./record-codec.ts";

export type WireMessage = AnyMessage | ControlMessage;

export function encodeMessage(message: WireMessage): Uint8Array {
  const laidOut = encodeLaidOut(message as AnyMessage);
  if (laidOut) return laidOut;
  const body = packGeneral(message);
  const frame = new Uint8Array(body.length + 1);
  frame[0] = GENERAL_TAG;
  frame.set(body, 1);
  return frame;
}

export type Decoded =
  | { readonly ok: true; readonly message: WireMessage }
  | { readonly ok: false; readonly reason: string };

/** Reads a frame of `sender` for `receiver`; not ok when it is malformed or such a sender may not send it. */
export function decodeMessage(frame: Uint8Array, sender: Component, receiver: Component): Decoded {
  let message: WireMessage;
  try {
    if (frame[0] === GENERAL_TAG) {
      if (sender === "execution-server" && !isHealthReport(frame, receiver)) {
        return { ok: false, reason: "a frame without a layout" };
      }
      message = unpackGeneral(frame.subarray(1)) as WireMessage;
      if (typeof message?.kind !== "string") return { ok: false, reason: "a frame without a kind" };
      if (MAY_LIE.has(sender) && !isControlKind(message.kind)) {
        if (hasLayout(message.kind)) return { ok: false, reason: "a frame without a layout" };
        if (!maySend(message.kind, sender, receiver)) return notAllowed(message.kind, sender, receiver);
        if (!isOfItsShape(message)) return { ok: false, reason: `a ${message.kind} that is not of its shape` };
      }
    } else message = decodeLaidOut(frame);
  } catch (error) {
    return { ok: false, reason: `malformed frame: ${error instanceof Error ? error.message : String(error)}` };
  }
  return maySend(message.kind, sender, receiver) ? { ok: true, message } : notAllowed(message.kind, sender, receiver);
}

/** Besides execution servers, none of whose frames of the general codec are read. Their health reports have a schema. */
const MAY_LIE: ReadonlySet<Component> = new Set(["state-replica", "acceptance-test-server"]);

const notAllowed = (kind: string, sender: Component, receiver: Component): Decoded => ({
  ok: false,
  reason: `a ${sender} may not send ${kind} to a ${receiver}`,
});

/** An execution server's only general frame is its health report, which is small and which the manager checks by schema. */
const HEALTH_BYTES_MAX = 64 * 1024;
const isHealthReport = (frame: Uint8Array, receiver: Component): boolean =>
  receiver === "configuration-manager" && frame.length <= HEALTH_BYTES_MAX;

export function maySend(kind: string, sender: Component, receiver: Component): boolean {
  if (isControlKind(kind)) {
    const row = MAY_SEND_CONTROL[kind];
    return (row.from === "any" || row.from.includes(sender)) && (row.to === "any" || row.to.includes(receiver));
  }
  return MAY_SEND[receiver]?.[sender]?.includes(kind) ?? false;
}
