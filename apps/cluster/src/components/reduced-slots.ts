/**
 * Old slots as the masters' databases keep them beyond the retention window (ADR 0022): the decisions that a replica
 * follows when it rebuilds itself, and nothing else. Versions with their checksums and testers go, and so does what was
 * decided about requests that only read. A slot without anything else goes as a whole.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { Decision } from "@redoubt/shared";
import { packGeneral, unpackGeneral } from "../runtime/record-codec.ts";
import type { PackedSlot } from "./master-rows.ts";

/** First byte of a reduced payload; a whole one is a msgpack map, which begins otherwise. */
const REDUCED = 0;
/** Part of the format: bytes that most slots hold, so that one small row alone can be compressed. Never to be changed. */
const DICTIONARY = Buffer.from(
  "settledsurvivorsvoidedepochOpenedepochholderfaultsToleratedwantedinvalidmembersclosedhomefromto" +
    "primarycomponentservernoncetraffic-regulatorconfiguration-managerexecution-server-1acceptance-test-server-1" +
    "acceptance-test-server-2acceptance-test-server-3state-replica-3state-replica-2state-replica-1" +
    "0123456789abcdefattempt\u0001replyDigest\u00d9@readOnly\u00c2clusters\u0091testers\u0092" +
    "kind\u00a8verified\u00a6change\u0083\u00a6digest\u00d9@\u00a9requestId\u00d9@",
  "latin1",
);

export const isReduced = (payload: Uint8Array): boolean => payload[0] === REDUCED;

const isNeeded = (decision: Decision): boolean => decision.kind !== "verified" || !decision.readOnly;

/** Undefined: nothing in it is needed any more. */
export function reducePayload(payload: Uint8Array): Uint8Array | undefined {
  if (isReduced(payload)) return payload;
  const decisions = (unpackGeneral(payload) as PackedSlot).decisions.filter(isNeeded);
  if (decisions.length === 0) return undefined;
  const packed = deflateRawSync(packGeneral(decisions), { dictionary: DICTIONARY });
  const reduced = new Uint8Array(packed.length + 1);
  reduced[0] = REDUCED;
  reduced.set(packed, 1);
  return reduced;
}

/** Of a whole payload or a reduced one. */
export function unpackPayload(payload: Uint8Array): PackedSlot {
  if (!isReduced(payload)) return unpackGeneral(payload) as PackedSlot;
  const decisions = unpackGeneral(inflateRawSync(payload.subarray(1), { dictionary: DICTIONARY })) as Decision[];
  return { decisions, rows: { versions: [], dead: [] } };
}
