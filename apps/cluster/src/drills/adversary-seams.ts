/**
 * Puts a behaviour of packages/adversary into an execution server: between its workers and its shell (`finished`) and
 * between its shell and the links (`sent`). The rest of the process is the honest one, as after a real intrusion.
 */
import type { Adversary, AdversaryFactory } from "@redoubt/adversary";
import type { SeamsFactory } from "../components/execution-server.ts";
import { createHasher } from "../runtime/hasher.ts";

/** Objects an intruder keeps of what passed through the process; the oldest are forgotten first. */
const LOOT_MAX = 1_000;

export function adversarySeams(makeAdversary: AdversaryFactory): SeamsFactory {
  return ({ sign }) => {
    const adversary: Adversary = makeAdversary({ hasher: createHasher(), sign });
    const loot = new Map<string, string>();
    return {
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
        const { reply, reads, writes } = finished;
        const bent = adversary.bendExecution?.({ operation, input, loot }, { reply, reads, writes });
        return bent === undefined ? finished : { ...finished, ...bent };
      },
      sent: ({ to, message }) => adversary.bendMessage?.(to, message) ?? [message],
    };
  };
}
