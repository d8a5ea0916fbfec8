/**
 * Exactly once, seen in the state itself (I4): a request's stamp is in one verified version of each account it wrote and in
 * no other, on every master's word, however often the request was sent; and what was rejected left no stamp.
 */
import type { Account } from "../bank.ts";
import { type Checker, type Observation, type Violation, verifiedChanges } from "../observation.ts";
import { footprintOf } from "./serializability.ts";

export const checkOneEffect: Checker = (observation) => [...checkStamps(observation), ...checkEveryMaster(observation)];

function checkStamps(observation: Observation): Violation[] {
  const violations: Violation[] = [];
  const effects = new Map<string, number>();
  for (const { record } of verifiedChanges(observation)) {
    for (const { object, bytes } of record?.writes ?? []) {
      const { stamp } = JSON.parse(bytes) as Account;
      const name = `${stamp} in ${object}`;
      effects.set(name, (effects.get(name) ?? 0) + 1);
    }
  }
  for (const [name, times] of effects)
    if (times > 1) violations.push({ invariant: "I4", detail: `${name}: ${times} effects of one request` });
  const stamped = new Set([...effects.keys()].map((name) => name.split(" in ")[0]));
  for (const operation of observation.operations) {
    const { stamp } = operation.input;
    if ((operation.status === 403 || operation.status === 422) && stamped.has(stamp))
      violations.push({ invariant: "I4", detail: `${stamp} ended with ${operation.status} and has an effect` });
    if (operation.status !== 200) continue;
    for (const object of footprintOf(operation).writes) {
      if (!effects.has(`${stamp} in ${object}`))
        violations.push({ invariant: "I4", detail: `${stamp} was answered and has no effect in ${object}` });
    }
  }
  return violations;
}

/** No two masters, in no life of theirs, ever called two changes of one request verified. */
function checkEveryMaster({ decisions }: Observation): Violation[] {
  const violations: Violation[] = [];
  const chosen = new Map<string, string>();
  for (const [master, stream] of decisions) {
    for (const decision of stream.flatMap((slot) => slot.decisions)) {
      if (decision.kind !== "verified" || decision.readOnly) continue;
      const { requestId, digest } = decision.change;
      const other = chosen.get(requestId);
      if (other !== undefined && other !== digest)
        violations.push({ invariant: "I4", detail: `${master}: ${requestId} has another verified change elsewhere` });
      chosen.set(requestId, digest);
    }
  }
  return violations;
}
