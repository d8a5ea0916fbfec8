/**
 * Shapes of what state replicas and acceptance test servers send in frames of the general codec (ADR 0006). Up to t of them
 * may be captured, and the general codec gives whatever its bytes say: a field that is missing or of another type would end
 * the regulator or a master at the first use. A shape says that texts are texts and lists are lists, within a frame's size;
 * what values mean is judged by the cores.
 */
import { isDigest, OBJECT_CLUSTERS } from "../ids.ts";
import { LIMITS } from "../limits.ts";
import { misbehaviourActs } from "../misbehaviour.ts";

type Shape = (value: unknown) => boolean;

const NAME_MAX = 256;
const DETAIL_MAX = 64 * 1024;

const text =
  (charactersMax: number): Shape =>
  (value) =>
    typeof value === "string" && value.length <= charactersMax;
const oneOf = (...words: readonly string[]): Shape => {
  const known = new Set<unknown>(words);
  return (value) => known.has(value);
};
const listOf =
  (item: Shape, countMax = Number.POSITIVE_INFINITY): Shape =>
  (value) =>
    Array.isArray(value) && value.length <= countMax && value.every(item);
const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined || shape(value);
const orNull =
  (shape: Shape): Shape =>
  (value) =>
    value === null || shape(value);
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const object = (fields: Readonly<Record<string, Shape>>): Shape => {
  const entries = Object.entries(fields);
  return (value) =>
    isObject(value) && entries.every(([name, shape]) => shape(Object.hasOwn(value, name) ? value[name] : undefined));
};

const integer: Shape = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const finite: Shape = (value) => Number.isFinite(value);
const flag: Shape = (value) => typeof value === "boolean";
const digest: Shape = isDigest;
const name = text(NAME_MAX);
const objectName = text(LIMITS.objectNameBytesMax);
const anyText = text(LIMITS.frameBytesMax);
const cluster: Shape = (value) => integer(value) && (value as number) < OBJECT_CLUSTERS;

const parent = { number: integer, epoch: integer, c1: digest };
const reference = { object: objectName, ...parent };
const write = { object: objectName, number: integer, epoch: integer, parent: object(parent), bytes: anyText };
const link = { cluster, epoch: integer, predecessorSerial: integer, follows: digest };
const ticketBody = {
  ...{ requestId: digest, attempt: integer, operation: name, applicationVersion: name, inputDigest: digest },
  ...{ principal: name, now: finite, seed: digest, readOnly: flag, executionServer: name, regulatorEpoch: integer },
  clusters: listOf(object({ cluster, epoch: integer, members: listOf(name) })),
  ...{ home: cluster, profile: oneOf("optimized", "basic"), testers: listOf(name) },
  ...{ faultsTolerated: integer, expiresAt: finite },
};
const entries: Shape = (value) => isObject(value) && Object.values(value).every(digest);
const ticket = { body: object(ticketBody), entries, mastersEntry: digest };
const references = listOf(object(reference));
const links = listOf(object(link));
const changeRecord = object({
  ...{ ticket: object(ticket), input: anyText, reply: anyText, reads: references },
  ...{ writes: listOf(object(write)), serial: integer, links },
});
const summary = object({
  ...{ ticket: object(ticketBody), mastersEntry: digest, replyDigest: digest, reads: references },
  ...{ writes: listOf(object({ ...reference, parent: object(parent) })), serial: integer, links },
});
const storedVersion = object({ ...write, requestId: digest, c1: digest });
const ranges = listOf(object({ from: cluster, to: cluster }));
const detail = text(DETAIL_MAX);
const failing = object({ kind: oneOf("fail"), check: name, detail });
const verdict: Shape = (value) =>
  object({ kind: oneOf("pass") })(value) || failing(value) || object({ kind: oneOf("unable"), detail })(value);
const access = object({ object: objectName, mode: oneOf("fetch", "read", "write"), granted: flag });
const digests = listOf(digest);

const description = object({
  ...{ number: integer, epoch: integer, c1: digest, status: oneOf("pending", "verified", "invalid") },
  ...{ requestId: digest, executionServer: name, record: optional(integer) },
});
const damage = object({
  ...{ number: integer, identity: name, state: oneOf("found", "repaired"), record: integer, object: objectName },
  ...{ version: integer, at: finite },
});

/** By kind: everything either of them may send that has no layout of its own. */
const SHAPES: Readonly<Record<string, Shape>> = {
  // To execution servers.
  fetched: object({
    fetch: name,
    objects: listOf(object({ object: objectName, version: orNull(storedVersion) })),
    tips: listOf(object({ cluster, epoch: integer, follows: digest })),
  }),
  acknowledged: object({ digests }),
  refused: object({ requestId: digest, attempt: integer, reason: name }),
  resend: object({ epoch: integer, fromSerial: integer }),
  // To the regulator.
  askTicketKey: object({ regulatorEpoch: integer }),
  askTester: object({ requestId: digest, attempt: integer }),
  refusalReport: object({
    ...{ executionServer: name, requestId: digest, attempt: integer, reason: name, detail: text(4_096) },
    ...{ act: optional(oneOf(...misbehaviourActs)), ticketDigest: optional(digest), changeDigest: optional(digest) },
  }),
  evidenceReport: object({
    ...{ requestId: digest, attempt: integer, changeDigest: digest, summary },
    evidence: object({ digests, signature: name }),
  }),
  shadowVerdict: object({ run: name, verdict, resultDigest: digest, executionServer: name, ticketDigest: digest }),
  acceptance: object({
    ...{ requestId: digest, attempt: integer, changeDigest: digest, verdict, replyDigest: digest, reply: anyText },
    reads: optional(references),
  }),
  // To acceptance test servers.
  memberAnswer: object({
    ...{ summary, changeDigest: digest, accesses: optional(listOf(access)), audit: optional(flag) },
  }),
  record: object({ digest, record: orNull(changeRecord), before: listOf(storedVersion) }),
  // To masters.
  promised: object({
    ...{ epoch: integer, clusters: ranges, undecided: listOf(summary), appliedThrough: integer },
    page: optional(object({ listing: digest, index: integer, count: integer })),
    identity: optional(name),
  }),
  fenced: object({ requestId: digest, home: cluster, hasRecord: flag }),
  follow: object({ after: integer, restarted: flag, identity: optional(name) }),
  gap: object({ epoch: integer, cluster, fromSerial: integer }),
  checksums: object({
    ...{ identity: name, pass: integer, since: integer },
    entries: listOf(object({ object: objectName, number: integer, c2: digest })),
    end: optional(object({ objects: integer, appliedThrough: integer })),
  }),
  damage: object({ events: listOf(damage) }),
  // To state replicas.
  fetchChanges: object({ digests, requestIds: digests }),
  changes: object({ records: listOf(changeRecord) }),
  fetchRecord: object({ digest, versions: optional(references) }),
  // To the configuration manager.
  objectDescription: object({ query: name, object: objectName, versions: listOf(description) }),
};

export const hasShape = (kind: string): boolean => Object.hasOwn(SHAPES, kind);

/** True when every field of the message has the type that its kind says. */
export const isOfItsShape = (message: { readonly kind: string }): boolean =>
  hasShape(message.kind) && SHAPES[message.kind]?.(message) === true;
