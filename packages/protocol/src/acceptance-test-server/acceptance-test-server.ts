/**
 * The acceptance test server of the basic profile: collects the members' checksum votes, fetches what t+1 of them agree
 * on, has the application's acceptance test run outside, and gives the verdict with the reply to the regulator. It
 * stores nothing; what is lost with it is asked for again. See docs/PROTOCOL.md §3.
 */
import { Applications } from "../applications.ts";
import type { Core } from "../core.ts";
import { send } from "../core.ts";
import { Candidates } from "./candidates.ts";
import type { Engine, Turn } from "./engine.ts";
import { EpochTable, touchesEnded } from "./epochs.ts";
import { ShadowRuns } from "./shadow-runs.ts";
import type {
  AcceptanceTestServerConfiguration,
  AcceptanceTestServerDependencies,
  AcceptanceTestServerEffect,
  AcceptanceTestServerInput,
} from "./types.ts";
import { candidateTested, considerFetching, receiveRecord, receiveVote, runCandidateTimers } from "./voting.ts";

const SILENCE_MS = 300;

export interface AcceptanceTestServer extends Core<AcceptanceTestServerInput, AcceptanceTestServerEffect> {
  /** Changes voted for that are not decided. */
  readonly candidateCount: number;
}

export function createAcceptanceTestServer(
  dependencies: AcceptanceTestServerDependencies,
  configuration: AcceptanceTestServerConfiguration,
): AcceptanceTestServer {
  const engine: Engine = {
    dependencies,
    applications: new Applications(dependencies.application, dependencies.otherVersions),
    configuration,
    epochs: new EpochTable(configuration.trafficRegulator),
    candidates: new Candidates(),
    shadows: new ShadowRuns(),
    timed: new Set(),
    followAt: 0,
    checkAt: undefined,
  };
  return {
    step(input) {
      const turn: Turn = { now: input.now, effects: [] };
      if (input.kind === "message") receive(engine, turn, input);
      else if (input.kind === "loaded") engine.applications.add(input.application);
      else if (input.kind === "tested" && !engine.shadows.tested(engine, turn, input.test, input.verdict))
        candidateTested(engine, turn, input.test, input.verdict);
      if (turn.now >= engine.followAt || input.kind === "start") follow(engine, turn);
      runCandidateTimers(engine, turn);
      engine.shadows.runTimers(engine, turn);
      return turn.effects;
    },
    get wakeAt() {
      const at = Math.min(engine.followAt, engine.checkAt ?? engine.followAt);
      return Math.min(at, engine.shadows.wakeAt ?? at);
    },
    get candidateCount() {
      return engine.candidates.size;
    },
  };
}

function follow(engine: Engine, turn: Turn): void {
  engine.followAt = turn.now + SILENCE_MS;
  const message = { kind: "follow", after: engine.epochs.through, restarted: false } as const;
  for (const master of engine.configuration.masters) turn.effects.push(send("state-master", master, message));
}

function receive(engine: Engine, turn: Turn, input: Extract<AcceptanceTestServerInput, { kind: "message" }>): void {
  const { message } = input;
  const from = input.from.server;
  switch (message.kind) {
    case "memberAnswer":
      receiveVote(engine, turn, from, message);
      break;
    case "record":
      if (!engine.shadows.receiveRecord(engine, turn, message)) receiveRecord(engine, turn, from, message);
      break;
    case "shadowResult":
      engine.shadows.receive(engine, turn, from, message);
      break;
    case "stream":
      receiveStream(engine, turn, message);
      break;
  }
}

function receiveStream(
  engine: Engine,
  turn: Turn,
  message: Extract<AcceptanceTestServerInput, { kind: "message" }>["message"] & { readonly kind: "stream" },
): void {
  const news = engine.epochs.take(message);
  if (news === "gap") {
    follow(engine, turn);
    return;
  }
  engine.followAt = turn.now + SILENCE_MS;
  if (!news.isProgress) return;
  for (const digest of news.decided)
    if (engine.candidates.get(digest)?.isAudit !== true) engine.candidates.drop(digest);
  for (const settlement of news.settled) {
    for (const candidate of [...engine.candidates.all()]) {
      const isOver = touchesEnded(candidate.summary.ticket.clusters, settlement);
      if (isOver && !candidate.isAudit && !settlement.survivors.has(candidate.digest))
        engine.candidates.drop(candidate.digest);
    }
  }
  // Votes that came before the epoch they name; what else is short of votes waits for more.
  if (message.slots.some((slot) => slot.decisions.some((decision) => decision.kind === "epochOpened"))) {
    for (const candidate of [...engine.candidates.all()])
      if (candidate.stage.kind === "voting") considerFetching(engine, turn, candidate);
  }
}
