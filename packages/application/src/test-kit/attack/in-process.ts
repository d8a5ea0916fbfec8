/** Runs handlers where they are, without a thread: enough for forged results, not for mutants that may never return. */
import type { ContractJson } from "../../contract/contract-json.ts";
import { runOperation } from "../../execution/run-operation.ts";
import type { Execute } from "./cases.ts";
import type { Execution, ExecutionJob } from "./threads.ts";

export function inThisProcess(contract: ContractJson, handlers: unknown): Execute {
  const world = new Map(contract.genesis.map(({ object, value }) => [object, value]));
  const execute = async (job: ExecutionJob): Promise<Execution> => {
    const overlay = new Map(job.overlay);
    const { operation, input, principal, now, requestId } = job;
    try {
      const result = await runOperation({
        ...{ contract, handlers, operation, input: structuredClone(input), principal, now, requestId },
        deriveId: (label) => `${requestId}-${label}`,
        read: (object) => (overlay.has(object) ? overlay.get(object) : world.get(object)) ?? null,
      });
      return { kind: "done", result };
    } catch (error) {
      return { kind: "crashed", message: error instanceof Error ? error.message : String(error) };
    }
  };
  return async (jobs) => {
    const done: Execution[] = [];
    for (const job of jobs) done.push(await execute(job));
    return done;
  };
}
