/**
 * The traffic regulator (paper §3.1): the only entry of requests and the only exit of replies. It screens, logs (L1, L2,
 * L3), dispatches, and lets a reply leave only when the release rule holds; when something fails it finds out, by a shadow
 * run, whether the request or the server was at fault. It runs no application code and believes no single server: members'
 * words count from t+1 on, the masters' decisions come through their stream in order.
 *
 * A step routes its input to the flows, then judges the requests that gained something, then sends what was collected.
 */
import { assert, LIMITS, type ToTrafficRegulator, unreachable } from "@redoubt/shared";
import { Applications } from "../applications.ts";
import type { Sender } from "../core.ts";
import { normaliseAddress } from "./addresses.ts";
import { admit } from "./admission.ts";
import { Ancestors } from "./ancestors.ts";
import { enterFetching, judgeAndAct, onAcceptance, onAnswer } from "./answers.ts";
import { Audits, continueAudits } from "./audits.ts";
import { Breaker } from "./breaker.ts";
import { restoreCheckpoint, takeCheckpoint } from "./checkpoint.ts";
import { append, type Regulator, sendTo } from "./context.ts";
import { Deadlines } from "./deadlines.ts";
import { onStream } from "./decisions-taken.ts";
import { onTesterAsked, Retests } from "./designations.ts";
import { enterRunning, enterWaiting } from "./dispatch.ts";
import { Equivocations, onEvidence } from "./divergence.ts";
import { enterEnded, isAdmitting } from "./endings.ts";
import { EpochWishes, sendWishes } from "./epoch-wishes.ts";
import { isFlooding, isInvented } from "./fabrications.ts";
import { FactLedger } from "./facts.ts";
import { enterDoomed, onExecutionFailed, onRefusalReport, onServerGone, RefusalTally } from "./failures.ts";
import { GenesisProgress } from "./genesis.ts";
import { KeyQuota } from "./key-quota.ts";
import { LeaseMoves, OVERLOAD } from "./lease-moves.ts";
import { lookUp } from "./look-up.ts";
import { MastersLink } from "./masters-link.ts";
import { MisbehaviourLedger, noteMember } from "./misbehaviour.ts";
import { onConfiguration, onQuarantineOrder, onReadLog, restoreConfiguration } from "./orders.ts";
import { enterChecking, enterClosing, enterSurviving, onOutcomes, sendOutcomeQuestions } from "./outcomes.ts";
import { PlacementTable } from "./placement.ts";
import { Quarantine } from "./quarantine.ts";
import { QuorumWatch } from "./quorum.ts";
import { begin, replay } from "./recovery.ts";
import { RequestLogs } from "./request-logs.ts";
import { keepHouse, takeDue } from "./retries.ts";
import { ClientDirectory } from "./screening.ts";
import { ExecutionServers } from "./servers.ts";
import { ShadowRuns } from "./shadow-registry.ts";
import { enterShadowing, onShadowFailed, onShadowVerdict } from "./shadow-runs.ts";
import { Suspects } from "./suspects.ts";
import { onKeyAsked } from "./ticket-keys.ts";
import { TicketKeys } from "./tickets.ts";
import { Traces } from "./traces.ts";
import { TrafficCounters } from "./traffic.ts";
import type {
  TrafficRegulator,
  TrafficRegulatorConfiguration,
  TrafficRegulatorDependencies,
  TrafficRegulatorEffect,
  TrafficRegulatorInput,
} from "./types.ts";
import { UnqualifiedLimiter } from "./unqualified.ts";
import { takeLoaded, VersionProgress } from "./versions.ts";

const CLIENT_DEADLINE_MS = 10_000;
const VERIFIED_IN_MEMORY_MAX = 50_000;
const ASKS_PER_MESSAGE = 512;

export function createTrafficRegulator(
  dependencies: TrafficRegulatorDependencies,
  configuration: TrafficRegulatorConfiguration,
): TrafficRegulator {
  const regulator = initialState(dependencies, configuration);
  const refusals = new RefusalTally();

  const step = (input: TrafficRegulatorInput): TrafficRegulatorEffect[] => {
    regulator.now = input.now;
    regulator.wall = input.wall;
    regulator.effects = [];
    if (!regulator.started) {
      takeJournal(regulator, configuration, input);
      if (!regulator.started) return regulator.effects;
    } else route(regulator, refusals, input);
    takeDue(regulator);
    continueAudits(regulator);
    keepHouse(regulator);
    judgeAll(regulator);
    flush(regulator);
    return regulator.effects;
  };

  return {
    step,
    checkpoint: () => (regulator.started ? takeCheckpoint(regulator) : undefined),
    get wakeAt() {
      if (!regulator.started) return undefined;
      const facts = regulator.facts.wakeAt(regulator.now) ?? Number.POSITIVE_INFINITY;
      return Math.min(
        regulator.audits.wakeAt,
        regulator.housekeepingAt,
        regulator.deadlines.next ?? Number.POSITIVE_INFINITY,
        facts,
      );
    },
    get ready() {
      return isAdmitting(regulator);
    },
    get isBelowQuorum() {
      return regulator.quorum.isMissing;
    },
    get applicationVersion() {
      return regulator.application.version;
    },
    get epoch() {
      return regulator.epoch;
    },
    get logs() {
      return regulator.logs.counts;
    },
    describe: (requestId) => {
      const log = regulator.logs.which(requestId);
      return log && { log, state: regulator.logs.pending(requestId)?.state ?? "ended" };
    },
    isBlocked: ({ principal, address }) =>
      (principal !== undefined && regulator.quarantine.isPrincipalBlocked(principal)) ||
      (address !== undefined && regulator.quarantine.isAddressBlocked(normaliseAddress(address))),
    placement: () => regulator.placement.export(),
  };
}

function initialState(
  dependencies: TrafficRegulatorDependencies,
  configuration: TrafficRegulatorConfiguration,
): Regulator {
  const { self, masters, managers, application } = configuration;
  const windowMs = configuration.windowMs ?? LIMITS.idempotencyWindowMs;
  const requestsMax = configuration.requestsPerClientPerWindowMax ?? LIMITS.requestsPerClientPerWindowMax;
  return {
    dependencies,
    ...{ application, applications: new Applications(application, configuration.otherVersions) },
    versions: new VersionProgress(),
    settings: {
      self,
      managers: managers ?? ["configuration-manager-1"],
      windowMs,
      clientDeadlineMs: configuration.clientDeadlineMs ?? CLIENT_DEADLINE_MS,
      pendingRequestsMax: configuration.pendingRequestsMax ?? LIMITS.pendingRequestsMax,
      pendingRequestsPerClientMax: configuration.pendingRequestsPerClientMax ?? LIMITS.pendingRequestsPerClientMax,
    },
    now: 0,
    wall: 0,
    effects: [],
    wanted: undefined,
    epoch: 0,
    demoted: false,
    keys: new TicketKeys(dependencies.makeKey),
    link: new MastersLink(masters, dependencies.makeKey()),
    logs: new RequestLogs(configuration.verifiedInMemoryMax ?? VERIFIED_IN_MEMORY_MAX),
    traces: new Traces(),
    quota: new KeyQuota(windowMs, requestsMax),
    quarantine: new Quarantine(),
    clients: new ClientDirectory(),
    servers: new ExecutionServers(),
    placement: new PlacementTable(),
    wishes: new EpochWishes(),
    moves: new LeaseMoves(configuration.overload ?? OVERLOAD),
    ancestors: new Ancestors(),
    facts: new FactLedger(),
    breaker: new Breaker(),
    misbehaviour: new MisbehaviourLedger(),
    ...{ audits: new Audits(), retests: new Retests() },
    equivocations: new Equivocations(),
    suspects: new Suspects(),
    shadows: new ShadowRuns(),
    genesis: new GenesisProgress(),
    quorum: new QuorumWatch(),
    traffic: new TrafficCounters(),
    unqualified: new UnqualifiedLimiter(),
    deadlines: new Deadlines(),
    waiting: new Set(),
    toJudge: new Set(),
    exchanges: new Map(),
    ...{ inGoodStanding: new Set(), recognised: new Set(), withheld: new Set() },
    heard: new Map(),
    keySentAt: new Map(),
    lastReleased: undefined,
    asks: new Map(),
    outcomeQuestions: new Set(),
    orders: new Set(),
    housekeepingAt: 0,
    trafficAt: 0,
    placementSavedThrough: 0,
    savedPlacement: undefined,
    records: 0,
    started: false,
    enter: {
      checking: enterChecking,
      waiting: enterWaiting,
      running: enterRunning,
      doomed: enterDoomed,
      surviving: enterSurviving,
      shadowing: enterShadowing,
      closing: enterClosing,
      fetching: enterFetching,
      ended: enterEnded,
    },
  };
}

/** Whatever came in before is taken in; nothing leaves before the start. */
function takeJournal(
  regulator: Regulator,
  { initial }: TrafficRegulatorConfiguration,
  input: TrafficRegulatorInput,
): void {
  if (initial && regulator.wanted === undefined) restoreConfiguration(regulator, initial);
  if (input.kind === "restore") restoreCheckpoint(regulator, input.checkpoint, input.through);
  else if (input.kind === "replay") {
    assert(input.first === regulator.records, "records are replayed in order and without a gap");
    replay(regulator, input.records);
  } else {
    assert(input.kind === "start", "a regulator is started before anything else");
    replay(regulator, input.durable);
    begin(regulator);
  }
}

function route(regulator: Regulator, refusals: RefusalTally, input: TrafficRegulatorInput): void {
  switch (input.kind) {
    case "start":
    case "restore":
    case "replay":
    case "recordRead":
    case "recordRepaired":
      throw new Error(`${input.kind} of a regulator that has started`);
    case "message":
      routeMessage(regulator, refusals, input.from, input.message);
      return;
    case "admit":
      admit(regulator, input);
      return;
    case "abandoned":
      abandon(regulator, input.exchange);
      return;
    case "loaded":
      takeLoaded(regulator, input.application);
      return;
    case "lookUp":
      lookUp(regulator, input);
      return;
    case "tick":
      return;
    default:
      unreachable(input);
  }
}

function abandon(regulator: Regulator, exchange: string): void {
  const request = regulator.exchanges.get(exchange);
  if (!request) return;
  regulator.exchanges.delete(exchange);
  const index = request.exchanges.findIndex((waiting) => waiting.exchange === exchange);
  if (index >= 0) request.exchanges.splice(index, 1);
}

/** The sender's component is authenticated by the link, and so checked again here: one table, two places (DESIGN §10). */
function routeMessage(regulator: Regulator, refusals: RefusalTally, from: Sender, message: ToTrafficRegulator): void {
  regulator.traffic.countEdge(from.component, "traffic-regulator");
  switch (from.component) {
    case "state-replica":
      regulator.heard.set(from.server, regulator.now);
      if (message.kind === "answer") onAnswer(regulator, from, message);
      else if (message.kind === "askTicketKey") onKeyAsked(regulator, from.server, message);
      else if (message.kind === "askTester") onTesterAsked(regulator, from.server, message);
      else if (message.kind === "refusalReport") onRefusalReport(regulator, refusals, from, message);
      else if (message.kind === "evidenceReport") onEvidence(regulator, from, message);
      else if (message.kind === "shadowVerdict") onShadowVerdict(regulator, from, message);
      return;
    case "acceptance-test-server":
      regulator.heard.set(from.server, regulator.now);
      if (message.kind === "acceptance") onAcceptance(regulator, from, message);
      else if (message.kind === "shadowVerdict") onShadowVerdict(regulator, from, message);
      return;
    case "execution-server":
      if (message.kind !== "executionFailed" || isFlooding(regulator, from, message)) return;
      if (isInvented(regulator, from, message) || onShadowFailed(regulator, from, message)) return;
      onExecutionFailed(regulator, from, message);
      return;
    case "state-master":
      if (message.kind === "stream") onStream(regulator, message);
      else if (message.kind === "outcomes") onOutcomes(regulator, message);
      else if (message.kind === "memberMisbehaved") noteMember(regulator, from.server, message);
      return;
    case "configuration-manager":
      if (message.kind === "regulatorConfiguration") onConfiguration(regulator, message);
      else if (message.kind === "serverGone") onServerGone(regulator, message);
      else if (message.kind === "quarantineOrder") onQuarantineOrder(regulator, message);
      else if (message.kind === "readLog") onReadLog(regulator, from.server, message);
      else if (message.kind === "factsAcknowledged" && regulator.facts.acknowledge(message.through))
        append(regulator, { kind: "factsAcknowledged", through: message.through });
      return;
    default:
      return;
  }
}

/** Judging one request may settle what others wait for: until nobody gains anything any more. */
function judgeAll(regulator: Regulator): void {
  for (const request of regulator.toJudge) {
    regulator.toJudge.delete(request);
    judgeAndAct(regulator, request);
  }
}

/** What the step collected leaves together. */
function flush(regulator: Regulator): void {
  sendWishes(regulator);
  sendOutcomeQuestions(regulator);
  for (const [member, asks] of regulator.asks) {
    const requests = [...asks.values()];
    for (let from = 0; from < requests.length; from += ASKS_PER_MESSAGE)
      sendTo(regulator, "state-replica", member, {
        kind: "answerAgain",
        requests: requests.slice(from, from + ASKS_PER_MESSAGE),
      });
  }
  regulator.asks.clear();
  const facts = regulator.facts.due(regulator.now);
  if (facts.length > 0)
    for (const manager of regulator.settings.managers)
      sendTo(regulator, "configuration-manager", manager, { kind: "regulatorFacts", facts });
}
