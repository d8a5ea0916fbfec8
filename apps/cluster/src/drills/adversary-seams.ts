/**
 * Puts a behaviour of packages/adversary into an execution server: between its workers and its shell (`finished`) and
 * between its shell and the links (`sent`, `arrived`). The rest of the process is the honest one, as after a real intrusion.
 */
import {
  type Adversary,
  Conspiracy,
  type ExecutionOutcome,
  type SeededAdversaryFactory,
  together,
} from "@redoubt/adversary";
import { type ContractJson, operationOf, refusalProblem } from "@redoubt/application";
import { canonicalJson, type ToExecutionServer } from "@redoubt/shared";
import { secureRandom } from "../components/component.ts";
import type { SeamsFactory } from "../components/execution-server.ts";
import { createHasher } from "../runtime/hasher.ts";
import type { Beginning } from "./beginning.ts";

/** Objects an intruder keeps of what passed through the process; the oldest are forgotten first. */
const LOOT_MAX = 1_000;
/** What it sent last is still on its way out of the process. */
const DYING_MS = 5;

export interface Intrusion {
  readonly beginning: Beginning;
  /** Hears of each act. */
  readonly acted: (id: string) => void;
  readonly conspiracy?: Conspiracy;
}

export function adversarySeams(
  makeAdversary: SeededAdversaryFactory,
  { beginning, acted, conspiracy = new Conspiracy() }: Intrusion,
): SeamsFactory {
  return ({ application, sign, send, sendFrame }) => {
    const did = (id: string): void => {
      if (beginning.hasBegun) acted(id);
    };
    const intruder = makeAdversary({
      ...{ hasher: createHasher(), sign, random: secureRandom, conspiracy, did, sendFrame },
      send: (to, _component, message) => send(to, message),
      later: (delayMs, act) => beginning.after(delayMs, act),
      die: () => {
        acted("death");
        setTimeout(() => process.kill(process.pid, "SIGKILL"), DYING_MS);
      },
    });
    const adversary: Adversary = together([intruder], did);
    const refusals = refusalsOf(application.contract);
    const loot = new Map<string, string>();
    return {
      application,
      provided({ provided }) {
        for (const { object, bytes } of provided) {
          if (bytes === null) continue;
          loot.delete(object);
          loot.set(object, bytes);
        }
        for (const object of loot.keys()) {
          if (loot.size <= LOOT_MAX) break;
          loot.delete(object);
        }
      },
      finished({ operation, input }, finished) {
        if (!beginning.hasBegun) return finished;
        const { reply, reads, writes } = finished;
        const context = { operation, input, loot, refusals: refusals.get(operation) ?? [] };
        const bent = adversary.bendExecution?.(context, { reply, reads, writes });
        return bent === undefined ? finished : { ...finished, ...bent };
      },
      sent: ({ to, message }) => (beginning.hasBegun ? (adversary.bendMessage?.(to, message) ?? [message]) : [message]),
      arrived(from, message) {
        const heard = adversary.bendArrival?.(from.server, message) ?? [message];
        return beginning.hasBegun ? (heard as readonly ToExecutionServer[]) : [message];
      },
    };
  };
}

/** Replies by which each operation may refuse. */
function refusalsOf(contract: ContractJson): Map<string, ExecutionOutcome["reply"][]> {
  const refusals = new Map<string, ExecutionOutcome["reply"][]>();
  for (const name of Object.keys(contract.operations)) {
    const operation = operationOf(contract, name);
    if (!operation) continue;
    const problems = Object.keys(operation.refusals).flatMap(
      (refusal) => refusalProblem(contract, operation, refusal) ?? [],
    );
    refusals.set(
      name,
      problems.map((problem) => ({ status: problem.status, body: canonicalJson(problem) })),
    );
  }
  return refusals;
}
