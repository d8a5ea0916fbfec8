/**
 * The execution server: runs requests as transactions over cached objects and multicasts each one's state change with
 * its reply to the members of the object clusters it touches (docs/PROTOCOL.md §3.2). Nobody trusts it; what it checks,
 * it checks to be useful, not to be safe. Application code runs outside, in a sandboxed worker, behind `execute`.
 */
import type { ServerName, ToExecutionServer } from "@redoubt/shared";
import { Applications } from "../applications.ts";
import type { Core } from "../core.ts";
import { ClusterCache } from "./cache.ts";
import { finish } from "./commit.ts";
import { failExecution, receiveDispatch, receiveShadowRun } from "./dispatching.ts";
import type { Engine, Turn } from "./engine.ts";
import { fetchRefused, receiveFetched, retryFetches } from "./fetching.ts";
import { ObjectLines } from "./lines.ts";
import { Outgoing } from "./outgoing.ts";
import { refused } from "./refused.ts";
import type {
  ExecutionServerConfiguration,
  ExecutionServerDependencies,
  ExecutionServerEffect,
  ExecutionServerInput,
} from "./types.ts";

export interface ExecutionServer extends Core<ExecutionServerInput, ExecutionServerEffect> {
  /** Executions inside a worker. */
  readonly runningCount: number;
  readonly fetchingCount: number;
  /** Changes some member has not acknowledged. */
  readonly outgoingCount: number;
}

export function createExecutionServer(
  dependencies: ExecutionServerDependencies,
  configuration: ExecutionServerConfiguration,
): ExecutionServer {
  const engine = compose(dependencies, configuration);
  return {
    step(input) {
      const turn: Turn = { now: input.now, wall: input.wall, effects: [] };
      if (input.kind === "message") receive(engine, turn, input.from.server, input.message);
      else if (input.kind === "loaded") engine.applications.add(input.application);
      else if (input.kind === "read") read(engine, turn, input.execution, input.object);
      else if (input.kind === "finished") {
        const execution = engine.running.get(input.execution);
        if (execution) finish(engine, turn, execution, input);
      } else if (input.kind === "failed") {
        const execution = engine.running.get(input.execution);
        if (execution) failExecution(engine, turn, execution, input.reason, input.detail, input.alsoInside);
      }
      retryFetches(engine, turn);
      engine.outgoing.runTimers(engine, turn);
      return turn.effects;
    },
    get wakeAt() {
      return earliest(engine);
    },
    get runningCount() {
      return engine.running.size;
    },
    get fetchingCount() {
      return engine.fetching.size;
    },
    get outgoingCount() {
      return engine.outgoing.size;
    },
  };
}

const compose = (dependencies: ExecutionServerDependencies, configuration: ExecutionServerConfiguration): Engine => ({
  dependencies,
  applications: new Applications(dependencies.application, dependencies.otherVersions),
  configuration,
  cache: new ClusterCache(),
  outgoing: new Outgoing(),
  lines: new ObjectLines(),
  handled: new Map(),
  active: new Set(),
  running: new Map(),
  fetching: new Map(),
  shadowResults: new Map(),
  regulator: configuration.trafficRegulator,
  serials: new Map(),
  names: 1,
});

function receive(engine: Engine, turn: Turn, from: ServerName, message: ToExecutionServer): void {
  switch (message.kind) {
    case "dispatch":
      receiveDispatch(engine, turn, from, message);
      break;
    case "shadowRun":
      receiveShadowRun(engine, turn, from, message);
      break;
    case "fetched":
      receiveFetched(engine, turn, from, message);
      break;
    case "acknowledged":
      engine.outgoing.acknowledge(from, message.digests);
      break;
    case "refused":
      refused(engine, turn, from, message);
      fetchRefused(engine, turn, from, message);
      break;
    case "resend":
      engine.outgoing.resend(turn, from, message.epoch, message.fromSerial);
      break;
  }
}

/** Everything declared was provided with `execute`; whatever else a transaction asks for it may not have. */
function read(engine: Engine, turn: Turn, name: string, object: string): void {
  const execution = engine.running.get(name);
  if (!execution) return;
  if (execution.objects.includes(object)) {
    const bytes = execution.snapshot.get(object)?.bytes ?? null;
    turn.effects.push({ kind: "provide", execution: name, object, bytes });
    return;
  }
  turn.effects.push({ kind: "cancel", execution: name });
  failExecution(engine, turn, execution, "thrown", `read of undeclared ${object}`);
}

function earliest(engine: Engine): number | undefined {
  let at = engine.outgoing.wakeAt;
  for (const { fetch } of engine.fetching.values()) {
    if (fetch) at = at === undefined ? fetch.againAt : Math.min(at, fetch.againAt);
    break;
  }
  return at;
}
