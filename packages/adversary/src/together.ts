/**
 * Several behaviours in one process, one behind the other: what one makes of a message is what the next one gets. Each is
 * credited only with what it really changed, so that a run can prove that a behaviour took place.
 */
import type { AnyMessage, ServerName } from "@redoubt/shared";
import type { Adversary, ExecutionContext, ExecutionOutcome } from "./adversary.ts";

const isUntouched = (message: AnyMessage, result: readonly AnyMessage[]): boolean =>
  result.length === 1 && (result[0] === message || JSON.stringify(result[0]) === JSON.stringify(message));

const isSameOutcome = (one: ExecutionOutcome, other: ExecutionOutcome): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);

type Bend = (message: AnyMessage) => readonly AnyMessage[];

/**
 * `did` hears the id of a behaviour once for every message or result it has bent. `isActive` says which of the parts are at
 * work at this moment; what the others would do is left undone.
 */
export function together(
  parts: readonly Adversary[],
  did: (id: string) => void,
  isActive: (part: Adversary) => boolean = () => true,
): Adversary {
  const through = (message: AnyMessage, bendOf: (part: Adversary) => Bend | undefined): readonly AnyMessage[] => {
    let messages: readonly AnyMessage[] = [message];
    for (const part of parts) {
      const bend = bendOf(part);
      if (!bend || !isActive(part)) continue;
      messages = messages.flatMap((each) => {
        const bent = bend(each);
        if (!isUntouched(each, bent)) did(part.id);
        return bent;
      });
    }
    return messages;
  };
  return {
    id: parts.map(({ id }) => id).join("+"),
    title: parts.map(({ title }) => title).join("; "),
    bendExecution: (context: ExecutionContext, outcome: ExecutionOutcome): ExecutionOutcome =>
      parts.reduce((current, part) => {
        const bent = (isActive(part) && part.bendExecution?.(context, current)) || current;
        if (!isSameOutcome(bent, current)) did(part.id);
        return bent;
      }, outcome),
    bendMessage: (to: ServerName, message: AnyMessage) =>
      through(message, ({ bendMessage }) => bendMessage && ((each) => bendMessage(to, each))),
    bendArrival: (from: ServerName, message: AnyMessage) =>
      through(message, ({ bendArrival }) => bendArrival && ((each) => bendArrival(from, each))),
  };
}
