/**
 * Frames of the request path: one tag byte, then the message's fields in the layout of `records.ts`. Every message an
 * execution server may send has a layout here, so nothing of a general codec ever reads its bytes. Messages of trusted
 * senders without a layout travel in the general codec of the process around (tag 0).
 */
import { ByteReader, ByteWriter } from "../bytes.ts";
import type { Verdict } from "../change.ts";
import { LIMITS } from "../limits.ts";
import type { DispatchMessage } from "../messages/execution-server.ts";
import type { ReportMessage } from "../messages/state-master.ts";
import type { ChangeMessage, EvidenceMessage, FetchMessage, ShadowResultMessage } from "../messages/state-replica.ts";
import type { AnyMessage } from "../messages/table.ts";
import type { AnswerMessage, ExecutionFailedMessage } from "../messages/traffic-regulator.ts";
import {
  readDigest,
  readRecord,
  readReference,
  readRequestId,
  readSummary,
  readText,
  readTicket,
  writeRecord,
  writeReference,
  writeSummary,
  writeTicket,
} from "./records.ts";

interface Layout<Message extends AnyMessage> {
  readonly tag: number;
  readonly write: (writer: ByteWriter, message: Message) => void;
  readonly read: (reader: ByteReader) => Message;
}

const FAILURES = ["crash", "timeout", "oversize", "thrown", "refused", "stale", "cpu"] as const;
const DETAIL_MAX = 4096;

function writeOptional<Value>(writer: ByteWriter, value: Value | undefined, write: (value: Value) => void): void {
  writer.u8(value === undefined ? 0 : 1);
  if (value !== undefined) write(value);
}

const readOptional = <Value>(reader: ByteReader, read: () => Value): Value | undefined =>
  reader.u8() === 1 ? read() : undefined;

function writeVerdict(writer: ByteWriter, verdict: Verdict): void {
  if (verdict.kind === "pass") writer.u8(0);
  else if (verdict.kind === "fail") writer.u8(1).text(verdict.check).text(verdict.detail);
  else writer.u8(2).text(verdict.detail);
}

function readVerdict(reader: ByteReader): Verdict {
  const kind = reader.u8();
  if (kind === 0) return { kind: "pass" };
  if (kind === 1) return { kind: "fail", check: readText(reader, 256), detail: readText(reader, DETAIL_MAX) };
  if (kind === 2) return { kind: "unable", detail: readText(reader, DETAIL_MAX) };
  throw new RangeError(`verdict kind ${kind}`);
}

const change: Layout<ChangeMessage> = {
  tag: 1,
  write: (writer, { record }) => writeRecord(writer, record),
  read: (reader) => ({ kind: "change", record: readRecord(reader) }),
};

const shadowResult: Layout<ShadowResultMessage> = {
  tag: 2,
  write: (writer, { run, record }) => writeRecord(writer.text(run), record),
  read: (reader) => ({ kind: "shadowResult", run: readText(reader, 256), record: readRecord(reader) }),
};

const fetch: Layout<FetchMessage> = {
  tag: 3,
  write: (writer, message) => {
    writeTicket(writer.text(message.fetch), message.ticket);
    writer.text(message.input).list(message.objects, (object) => writer.text(object));
    writer.list(message.at, (reference) => writeReference(writer, reference));
  },
  read: (reader) => ({
    kind: "fetch",
    fetch: readText(reader, 256),
    ticket: readTicket(reader),
    input: readText(reader, LIMITS.inputBytesMax),
    objects: reader.list(() => readText(reader, LIMITS.objectNameBytesMax), LIMITS.objectsPerRequestMax),
    at: reader.list(() => readReference(reader), LIMITS.objectsPerRequestMax),
  }),
};

const evidence: Layout<EvidenceMessage> = {
  tag: 4,
  write: (writer, message) => {
    writer.list(message.digests, (digest) => writer.digest(digest)).text(message.signature);
  },
  read: (reader) => ({
    kind: "evidence",
    digests: reader.list(() => readDigest(reader), 256),
    signature: readText(reader, 256),
  }),
};

const executionFailed: Layout<ExecutionFailedMessage> = {
  tag: 5,
  write: (writer, message) => {
    writer.digest(message.requestId).integer(message.attempt);
    writeOptional(writer, message.run, (run) => writer.text(run));
    writer.u8(FAILURES.indexOf(message.reason)).text(message.detail.slice(0, DETAIL_MAX));
    writer.list(message.alsoInside, (requestId) => writer.digest(requestId));
  },
  read: (reader) => {
    const requestId = readRequestId(reader);
    const attempt = reader.integer();
    const run = readOptional(reader, () => readText(reader, 256));
    const reason = FAILURES[reader.u8()];
    if (!reason) throw new RangeError("unknown failure reason");
    const detail = readText(reader, DETAIL_MAX);
    const alsoInside = reader.list(() => readRequestId(reader), LIMITS.pendingRequestsMax);
    return {
      kind: "executionFailed",
      requestId,
      attempt,
      ...(run === undefined ? {} : { run }),
      reason,
      detail,
      alsoInside,
    };
  },
};

const dispatch: Layout<DispatchMessage> = {
  tag: 6,
  write: (writer, message) => {
    writeTicket(writer, message.ticket);
    writer.text(message.input).u8(message.disposable ? 1 : 0);
  },
  read: (reader) => ({
    kind: "dispatch",
    ticket: readTicket(reader),
    input: readText(reader, LIMITS.inputBytesMax),
    disposable: reader.u8() === 1,
  }),
};

const answer: Layout<AnswerMessage> = {
  tag: 7,
  write: (writer, message) => {
    writer.digest(message.requestId).integer(message.attempt).digest(message.changeDigest).digest(message.replyDigest);
    writer.list(message.follows, (digest) => writer.digest(digest));
    writer.u8(message.durable ? 1 : 0).u8(message.known ? 1 : 0);
    writeOptional(writer, message.verdict, (verdict) => writeVerdict(writer, verdict));
    writeOptional(writer, message.reply, (reply) => writer.text(reply));
    writeOptional(writer, message.reads, (reads) => writer.list(reads, (read) => writeReference(writer, read)));
  },
  read: (reader) => {
    const head = {
      kind: "answer" as const,
      requestId: readRequestId(reader),
      attempt: reader.integer(),
      changeDigest: readDigest(reader),
      replyDigest: readDigest(reader),
      follows: reader.list(() => readDigest(reader), LIMITS.objectsPerRequestMax),
      durable: reader.u8() === 1,
      known: reader.u8() === 1,
    };
    const verdict = readOptional(reader, () => readVerdict(reader));
    const reply = readOptional(reader, () => readText(reader, LIMITS.replyBytesMax));
    const reads = readOptional(reader, () => reader.list(() => readReference(reader), LIMITS.objectsPerRequestMax));
    return {
      ...head,
      ...(verdict === undefined ? {} : { verdict }),
      ...(reply === undefined ? {} : { reply }),
      ...(reads === undefined ? {} : { reads }),
    };
  },
};

const report: Layout<ReportMessage> = {
  tag: 8,
  write: (writer, message) => {
    writer.list(message.changes, (entry) => {
      writeSummary(writer.digest(entry.digest).u8(entry.durable ? 1 : 0), entry.summary);
      writeOptional(writer, entry.verdict, (verdict) => writeVerdict(writer, verdict));
    });
  },
  read: (reader) => ({
    kind: "report",
    changes: reader.list(() => {
      const digest = readDigest(reader);
      const durable = reader.u8() === 1;
      const summary = readSummary(reader);
      const verdict = readOptional(reader, () => readVerdict(reader));
      return { digest, summary, durable, ...(verdict === undefined ? {} : { verdict }) };
    }, LIMITS.unlabelledChangesMax),
  }),
};

const LAYOUTS = { change, shadowResult, fetch, evidence, executionFailed, dispatch, answer, report } as const;

/** Tag of frames in the general codec of the process around. */
export const GENERAL_TAG = 0;

const byTag = new Map<number, Layout<never>>(Object.values(LAYOUTS).map((layout) => [layout.tag, layout as never]));

export const hasLayout = (kind: string): kind is keyof typeof LAYOUTS => Object.hasOwn(LAYOUTS, kind);

/** Frame of a message with a layout; undefined for one that needs the general codec. */
export function encodeLaidOut(message: AnyMessage): Uint8Array | undefined {
  if (!hasLayout(message.kind)) return undefined;
  const layout = LAYOUTS[message.kind] as Layout<AnyMessage>;
  const writer = new ByteWriter(512).u8(layout.tag);
  layout.write(writer, message);
  return writer.finish();
}

/** Message of a laid-out frame. Throws {@link RangeError} when the bytes are not exactly one well-formed message. */
export function decodeLaidOut(frame: Uint8Array): AnyMessage {
  const reader = new ByteReader(frame);
  const layout = byTag.get(reader.u8());
  if (!layout) throw new RangeError("unknown frame tag");
  const message = layout.read(reader);
  reader.end();
  return message;
}
