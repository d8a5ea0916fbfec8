/**
 * What the parts of the regulator share: its state, the effects of the step under way, and the small helpers that add to
 * them. The flows (admission, answers, failures, …) are functions over this; none of them keeps state of its own.
 */
import type {
  AnswerAgainMessage,
  Epoch,
  MessagesTo,
  RegulatorConfigurationMessage,
  RegulatorFact,
  RequestEventSeen,
  RequestId,
  ServerName,
} from "@redoubt/shared";
import type { Applications } from "../applications.ts";
import { send } from "../core.ts";
import type { Ancestors } from "./ancestors.ts";
import type { RequestState } from "./attempts.ts";
import type { Audits } from "./audits.ts";
import type { Breaker } from "./breaker.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Retests } from "./designations.ts";
import type { Equivocations } from "./divergence.ts";
import type { EpochWishes } from "./epoch-wishes.ts";
import type { FactLedger } from "./facts.ts";
import type { GenesisProgress } from "./genesis.ts";
import type { KeyQuota } from "./key-quota.ts";
import type { LeaseMoves } from "./lease-moves.ts";
import type { MastersLink } from "./masters-link.ts";
import type { MisbehaviourLedger } from "./misbehaviour.ts";
import type { Domain, PlacementTable } from "./placement.ts";
import type { Quarantine } from "./quarantine.ts";
import type { QuorumWatch } from "./quorum.ts";
import type { PendingRequest } from "./request.ts";
import type { RequestLogs } from "./request-logs.ts";
import type { ClientDirectory } from "./screening.ts";
import type { ExecutionServers } from "./servers.ts";
import type { ShadowRuns } from "./shadow-registry.ts";
import type { Suspects } from "./suspects.ts";
import type { TicketKeys } from "./tickets.ts";
import type { Traces } from "./traces.ts";
import type { TrafficCounters } from "./traffic.ts";
import type {
  PublishedFact,
  RegulatedApplication,
  RegulatorRecord,
  RespondEffect,
  TrafficRegulatorDependencies,
  TrafficRegulatorEffect,
} from "./types.ts";
import type { UnqualifiedLimiter } from "./unqualified.ts";
import type { VersionProgress } from "./versions.ts";

export interface Settings {
  readonly self: ServerName;
  readonly managers: readonly ServerName[];
  readonly clientDeadlineMs: number;
  /** How long replies are remembered, milliseconds since admission. */
  readonly windowMs: number;
  readonly pendingRequestsMax: number;
  readonly pendingRequestsPerClientMax: number;
}

export type Ask = AnswerAgainMessage["requests"][number];

export interface Regulator {
  readonly dependencies: TrafficRegulatorDependencies;
  /** The version that admits requests now. Everything about a request is asked of its own version (`applicationOf`). */
  application: RegulatedApplication;
  readonly applications: Applications<RegulatedApplication>;
  readonly versions: VersionProgress;
  readonly settings: Settings;
  now: number;
  wall: number;
  effects: TrafficRegulatorEffect[];
  /** What the manager wants; undefined until it is known. */
  wanted: RegulatorConfigurationMessage | undefined;
  /** Epoch of this regulator's primacy; 0 before. */
  epoch: Epoch;
  /** Another regulator took over: this one admits and dispatches nothing any more. */
  demoted: boolean;
  readonly keys: TicketKeys;
  readonly link: MastersLink;
  readonly logs: RequestLogs;
  /** Of requests that have left L3. */
  readonly traces: Traces;
  readonly quota: KeyQuota;
  readonly quarantine: Quarantine;
  readonly clients: ClientDirectory;
  readonly servers: ExecutionServers;
  readonly placement: PlacementTable;
  readonly wishes: EpochWishes;
  readonly moves: LeaseMoves;
  readonly ancestors: Ancestors<PendingRequest>;
  readonly facts: FactLedger;
  readonly breaker: Breaker;
  readonly misbehaviour: MisbehaviourLedger;
  readonly audits: Audits;
  readonly retests: Retests;
  readonly equivocations: Equivocations;
  readonly suspects: Suspects;
  readonly shadows: ShadowRuns;
  readonly genesis: GenesisProgress;
  readonly quorum: QuorumWatch;
  readonly traffic: TrafficCounters;
  readonly unqualified: UnqualifiedLimiter;
  readonly deadlines: Deadlines<PendingRequest>;
  /** Requests in state `waiting`, oldest first. */
  readonly waiting: Set<PendingRequest>;
  /** To be judged again before the step ends. */
  readonly toJudge: Set<PendingRequest>;
  readonly exchanges: Map<string, PendingRequest>;
  /** Principals with a verified request. */
  readonly inGoodStanding: Set<string>;
  /** Principals that have sent what a signature names. */
  readonly recognised: Set<string>;
  /** Requests that wait without an attempt because the acceptance test is the suspect. */
  readonly withheld: Set<PendingRequest>;
  /** When each member was heard from last. */
  readonly heard: Map<ServerName, number>;
  readonly keySentAt: Map<ServerName, number>;
  /** A request that every member holds: asking for it again shows who is alive. */
  lastReleased: { readonly requestId: RequestId; readonly attempt: number } | undefined;
  /** Questions of this step, sent together at its end. */
  readonly asks: Map<ServerName, Map<RequestId, Ask>>;
  readonly outcomeQuestions: Set<RequestId>;
  /** Orders of the manager carried out already, newest last. */
  readonly orders: Set<string>;
  housekeepingAt: number;
  trafficAt: number;
  placementSavedThrough: number;
  /** The newest record of that kind. */
  savedPlacement: Extract<RegulatorRecord, { kind: "placement" }> | undefined;
  /** Records of the journal, those put out included. */
  records: number;
  /** The journal is taken in; before that nothing is done. */
  started: boolean;
  /** What happens when a request enters a state. */
  readonly enter: Readonly<Record<RequestState, (regulator: Regulator, request: PendingRequest) => void>>;
}

export function append(regulator: Regulator, record: RegulatorRecord): void {
  regulator.records += 1;
  regulator.effects.push({ kind: "append", record, durability: "written" });
}

export function sendTo<Receiver extends keyof MessagesTo>(
  regulator: Regulator,
  component: Receiver,
  to: ServerName,
  message: MessagesTo[Receiver],
): void {
  regulator.traffic.countEdge("traffic-regulator", component);
  regulator.effects.push(send(component, to, message));
}

export function sendToMasters(regulator: Regulator, message: MessagesTo["state-master"]): void {
  for (const master of regulator.link.addressees(regulator.now)) sendTo(regulator, "state-master", master, message);
}

export function publish(regulator: Regulator, fact: PublishedFact): void {
  regulator.effects.push({ kind: "publish", fact });
}

/** Remembers for administrators what happened to a request. */
export function note(regulator: Regulator, request: PendingRequest, event: RequestEventSeen): void {
  request.trace.add(regulator.now, event);
}

/** The same for a request that may have left L3; nothing when it is not remembered. */
export function noteById(regulator: Regulator, requestId: RequestId, event: RequestEventSeen): void {
  const trace = regulator.logs.pending(requestId)?.trace ?? regulator.traces.of(requestId);
  trace?.add(regulator.now, event);
}

/** Journals a fact; it goes to the manager at the end of the step and again until acknowledged. */
export function addFact(regulator: Regulator, fact: RegulatorFact): void {
  const numbered = regulator.facts.add(fact, Math.trunc(regulator.wall));
  append(regulator, { kind: "fact", ...numbered });
  publish(regulator, { kind: "fact", fact });
}

export function respond(
  regulator: Regulator,
  exchange: string,
  answer: Omit<RespondEffect, "kind" | "exchange">,
): void {
  regulator.traffic.countEdge("traffic-regulator", "client");
  regulator.effects.push({ kind: "respond", exchange, ...answer });
}

/** Asks a member about a request at the end of the step; several questions about one request become one. */
export function askMember(regulator: Regulator, member: ServerName, ask: Ask): void {
  let asks = regulator.asks.get(member);
  if (!asks) {
    asks = new Map();
    regulator.asks.set(member, asks);
  }
  const other = asks.get(ask.requestId);
  asks.set(ask.requestId, {
    ...ask,
    test: ask.test || other?.test === true,
    reply: ask.reply || other?.reply === true,
    escalate: ask.escalate || other?.escalate === true,
  });
}

/** Arms the request's own timer: the earliest of retry, attempt deadline and clients' patience. */
export function schedule(regulator: Regulator, request: PendingRequest): void {
  let due = request.retryAt ?? Number.POSITIVE_INFINITY;
  if (request.state === "running" && request.current) due = Math.min(due, request.current.deadlineAt);
  for (const { expiresAt } of request.exchanges) due = Math.min(due, expiresAt);
  if (due === Number.POSITIVE_INFINITY) return;
  if (request.scheduledAt !== undefined && request.scheduledAt <= due) return;
  request.scheduledAt = due;
  regulator.deadlines.add(due, request);
}

export function retryAfter(regulator: Regulator, request: PendingRequest, delayMs: number): void {
  request.retryAt = regulator.now + delayMs;
  schedule(regulator, request);
}

/** The domain all clusters of the request are in; undefined when they are in several. */
export function domainOf(regulator: Regulator, request: PendingRequest): Domain | undefined {
  const domain = regulator.placement.domainOf(request.home);
  for (const cluster of request.clusters) if (regulator.placement.domainOf(cluster) !== domain) return undefined;
  return domain;
}

/** Settled, and opened in this regulator's own time: no ticket of an earlier one is alive in it. */
export const isUsable = (regulator: Regulator, domain: Domain | undefined): domain is Domain =>
  domain?.settled === true &&
  regulator.epoch > 0 &&
  domain.epoch > regulator.epoch &&
  !regulator.demoted &&
  !regulator.moves.holds(regulator.placement, domain);

export const isPrimary = (regulator: Regulator): boolean => regulator.epoch > 0 && !regulator.demoted;
