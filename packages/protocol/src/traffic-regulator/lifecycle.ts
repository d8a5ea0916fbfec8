/** The one place where a request changes its state: looks up the transition table, tidies up, and enters the new state. */
import { nextState, type RequestEvent } from "./attempts.ts";
import { note, type Regulator } from "./context.ts";
import type { PendingRequest } from "./request.ts";
import { growRoom } from "./servers.ts";

/** True when the event changed the state. */
export function advance(regulator: Regulator, request: PendingRequest, event: RequestEvent): boolean {
  const from = request.state;
  const next = nextState(from, event);
  if (next === from) return false;
  if (from === "waiting") regulator.waiting.delete(request);
  if (from === "running" && request.current) {
    const { server, incarnation } = request.current;
    const process = regulator.servers.get(server);
    if (process?.incarnation === incarnation) {
      process.running.delete(request.requestId);
      process.alone.delete(request.requestId);
      process.sifted.delete(request.requestId);
      if (event === "released") growRoom(process);
    }
  }
  if ((event === "released" || event === "replied") && request.current?.disposable)
    regulator.suspects.passed(request.record.clientId);
  request.state = next;
  note(regulator, request, { kind: "entered", state: next, because: event });
  request.retryAt = undefined;
  request.retryDelayMs = 0;
  regulator.enter[next](regulator, request);
  return true;
}
