/**
 * The console feed: every fact the cluster tells the people who run it, as one closed catalogue.
 *
 * The configuration manager numbers the events (1, 2, 3, … without holes) and keeps them; a reader remembers the last number it
 * has seen and asks from there, so a cut connection loses nothing and repeats nothing. Events are facts about the past, never
 * commands, and carry metadata only: no payload of a request is ever in the feed, so every role may read most of it.
 *
 * Traffic counters are the exception: periodic, unnumbered, and worthless once the next ones are there.
 */
import { z } from "zod";
import { ATTEMPT_TARGET_LENGTH_MAX, attemptActs, attemptWitnesses } from "./attempts.ts";
import { misbehaviourActs } from "./misbehaviour.ts";

/** How urgent an event is. "critical" means that tolerance is used up or something wrong may have got out. */
export const feedSeverities = ["info", "notice", "warning", "critical"] as const;
export const feedSeveritySchema = z.enum(feedSeverities);
export type FeedSeverity = z.infer<typeof feedSeveritySchema>;

/** The paper's components as they appear in facts; the node agent is the paper's health monitor (3.6). */
export const feedComponents = [
  "traffic-regulator",
  "execution-server",
  "acceptance-test-server",
  "state-replica",
  "state-master",
  "configuration-manager",
] as const;
export const feedComponentSchema = z.enum(feedComponents);
export type FeedComponent = z.infer<typeof feedComponentSchema>;

/** States of a node as its observers see it; "unknown" is a state of its own and never shown as healthy. */
export const nodeStates = ["up", "suspect", "down", "flapping", "isolated", "rejuvenating", "unknown"] as const;
export const nodeStateSchema = z.enum(nodeStates);
export type NodeState = z.infer<typeof nodeStateSchema>;

/** States of a server process. */
export const serverStates = ["starting", "up", "suspect", "down", "stopping", "discarded", "unknown"] as const;
export const serverStateSchema = z.enum(serverStates);
export type ServerState = z.infer<typeof serverStateSchema>;

/** Why a request was quarantined: the kind of evidence, not the sentence. */
export const quarantineReasons = [
  "signature",
  "rule",
  "acceptance-test",
  "access-violation",
  "checksum-mismatch",
  "repeated-timeout",
  "crash",
  "leak",
  "replica-flood",
  "intrusion-detection",
] as const;
export const quarantineReasonSchema = z.enum(quarantineReasons);
export type QuarantineReason = z.infer<typeof quarantineReasonSchema>;

/** Review states of a quarantined request; doing nothing leaves it quarantined, and an expired one is rejected, never released. */
export const quarantineStates = ["new", "claimed", "waiting-second", "released", "confirmed", "expired"] as const;
export const quarantineStateSchema = z.enum(quarantineStates);
export type QuarantineState = z.infer<typeof quarantineStateSchema>;

/** State of a change of degree that was applied. */
export const degreeChangeStates = ["running", "done", "stopped", "failed"] as const;
export const degreeChangeStateSchema = z.enum(degreeChangeStates);
export type DegreeChangeState = z.infer<typeof degreeChangeStateSchema>;

const name = z.string().min(1).max(200);
const sentence = z.string().max(2000);
const time = z.iso.datetime();
const hash = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hex digits");
const count = z.int().nonnegative();

const envelope = {
  /** Position in the feed, from 1, without holes. */
  number: z.int().positive(),
  /** When the manager recorded the fact, ISO 8601 UTC. */
  at: time,
  severity: feedSeveritySchema,
};

function event<Kind extends string, Payload extends z.core.$ZodLooseShape>(kind: Kind, payload: Payload) {
  return z.object({ ...envelope, kind: z.literal(kind), ...payload });
}

/** The catalogue. A new kind of fact is one more line here, and the compiler then finds every place that must know it. */
export const feedEventSchema = z.discriminatedUnion("kind", [
  event("node.state", {
    node: name,
    from: nodeStateSchema,
    to: nodeStateSchema,
    cause: sentence,
  }),
  event("server.state", {
    server: name,
    component: feedComponentSchema,
    node: name,
    from: serverStateSchema,
    to: serverStateSchema,
    cause: sentence,
  }),
  event("server.discarded", {
    server: name,
    component: feedComponentSchema,
    node: name,
    requestId: hash.nullable(),
    verdict: z.enum(["suspected", "convicted", "exonerated"]),
    cause: sentence,
  }),
  /** Refused, and logged with what proves it. */
  event("server.misbehaved", {
    server: name,
    component: feedComponentSchema,
    node: name,
    act: z.enum(misbehaviourActs),
    requestId: hash.nullable(),
    ticketDigest: hash.nullable(),
    changeDigests: z.array(hash).max(8),
    reporters: z.array(name).max(64),
    confirmed: z.boolean(),
    count,
    cause: sentence,
  }),
  /** The application's code tried, in a worker of an execution server, what it may not; it got nothing (ADR 0015). */
  event("worker.attempt", {
    server: name,
    node: name,
    act: z.enum(attemptActs),
    target: z.string().max(ATTEMPT_TARGET_LENGTH_MAX),
    witness: z.enum(attemptWitnesses),
    operation: name.nullable(),
    requestId: hash.nullable(),
    /** Equal attempts since the last event about them. */
    count,
  }),
  /** A replica's scrub found bytes on its disk that are not those that were written, or has written them again. */
  event("storage.damage", {
    server: name,
    node: name,
    state: z.enum(["found", "repaired"]),
    /** Number of the record in the server's journal. */
    record: z.int(),
    /** One of the objects concerned, where that is known. */
    object: name.nullable(),
    version: count,
    /** When the server saw it. */
    seenAt: time,
  }),
  event("degree.changed", {
    component: feedComponentSchema,
    wanted: count,
    previous: count,
    decidedBy: name,
    version: name,
  }),
  event("degree.progress", {
    component: feedComponentSchema,
    changeId: name,
    state: degreeChangeStateSchema,
    live: count,
    wanted: count,
    detail: sentence,
  }),
  event("quarantine.added", {
    requestId: hash,
    operation: name,
    title: sentence,
    client: name,
    host: name,
    reason: quarantineReasonSchema,
    check: name,
  }),
  event("quarantine.changed", {
    requestId: hash,
    from: quarantineStateSchema,
    to: quarantineStateSchema,
    by: name,
  }),
  event("host.blocked", {
    host: name,
    client: name.nullable(),
    requestId: hash.nullable(),
    until: time.nullable(),
  }),
  event("host.unblocked", { host: name, client: name.nullable(), by: name }),
  event("block.withheld", {
    host: name,
    client: name.nullable(),
    requestId: hash.nullable(),
    cause: sentence,
  }),
  event("incident.opened", {
    incidentId: name,
    title: sentence,
    subject: name,
  }),
  event("incident.closed", {
    incidentId: name,
    title: sentence,
    subject: name,
    durationMs: count,
  }),
  event("epoch.opened", {
    objectClusters: count,
    slot: count,
    holder: name,
    cause: sentence,
  }),
  event("request.rejected", {
    requestId: hash.nullable(),
    client: name.nullable(),
    host: name,
    status: count,
    cause: sentence,
  }),
  event("signature.learned", {
    signatureId: name,
    operation: name,
    requestId: hash,
    summary: sentence,
  }),
  /** Requests are admitted under another version of the application from now on, or one has proved itself. */
  event("application.changed", {
    hash,
    version: count,
    previous: hash.nullable(),
    action: z.enum(["deployed", "rolled-back", "trial-passed"]),
    by: name,
    cause: sentence,
  }),
  /** Open: failures of this check are withheld, because the acceptance test is the suspect. */
  event("breaker.changed", {
    applicationVersion: hash,
    operation: name,
    check: name,
    state: z.enum(["open", "closed"]),
    cause: sentence,
  }),
  event("alert.delivery", {
    deliveryId: name,
    subscriptionId: name,
    channel: name,
    state: z.enum(["queued", "sent", "delayed", "failed"]),
    detail: sentence,
  }),
  event("audit.appended", {
    entry: count,
    actor: name,
    action: name,
    subject: name,
  }),
]);
export type FeedEvent = z.infer<typeof feedEventSchema>;
export type FeedEventKind = FeedEvent["kind"];
export type FeedEventOf<Kind extends FeedEventKind> = Extract<FeedEvent, { kind: Kind }>;

/** What a producer hands to the feed, which gives it number and time. */
export type FeedFact = FeedEvent extends infer Each
  ? Each extends FeedEvent
    ? Omit<Each, "number" | "at">
    : never
  : never;

/** One end of a counted edge of the paper's Figure 1. */
export const trafficEndSchema = z.enum(["client", ...feedComponents]);
export type TrafficEnd = z.infer<typeof trafficEndSchema>;

/** Rates on the edges of the topology and the depths of the three logs; sent about once a second, never kept. */
export const trafficCountersSchema = z.object({
  at: time,
  edges: z.array(
    z.object({
      from: trafficEndSchema,
      to: trafficEndSchema,
      total: count,
      ratePerSecond: z.number().nonnegative(),
    }),
  ),
  logs: z.object({ L1: count, L2: count, L3: count }),
  /** Age of the oldest request in L3 (ms), null when L3 is empty. */
  oldestPendingMs: z.number().nonnegative().nullable(),
  requestsPerSecond: z.number().nonnegative(),
  /** Time from arrival to reply over the last window (ms), null when nothing was answered in it. */
  latencyMs: z.object({ p50: z.number().nonnegative(), p99: z.number().nonnegative() }).nullable(),
});
export type TrafficCounters = z.infer<typeof trafficCountersSchema>;

/** First message on a new socket: where the feed stands. `oldest` > the reader's cursor + 1 means "load everything again". */
export const feedGreetingSchema = z.object({
  latest: count,
  oldest: count,
  gap: z.boolean(),
});
export type FeedGreeting = z.infer<typeof feedGreetingSchema>;

/** Handshake of the console feed: everything after this number is wanted; absent means "only what is new". */
export const feedHandshakeSchema = z.object({ after: count.optional() });
export type FeedHandshake = z.infer<typeof feedHandshakeSchema>;

/** Socket.IO event names from the manager to a reader, for both ends. */
export interface FeedServerToClient {
  greeting: (greeting: FeedGreeting) => void;
  event: (event: FeedEvent) => void;
  traffic: (counters: TrafficCounters) => void;
}
