/**
 * Shadow runs (PROTOCOL §10): a request once more, on the state another server's failing attempt started from. The result
 * goes to the testers and is thrown away; it touches neither cache nor chains.
 */
import { type ChangeRecord, ZERO_DIGEST } from "@redoubt/shared";
import { send } from "../core.ts";
import { composeWrites, type Effects, referenceOf } from "./commit.ts";
import { leave, setHandled } from "./dispatching.ts";
import type { Engine, Execution, Turn } from "./engine.ts";

const RESULTS_MAX = 64;

export function finishShadow(engine: Engine, turn: Turn, execution: Execution, effects: Effects): void {
  const { ticket, input, snapshot, shadow } = execution;
  if (!shadow) return;
  const record: ChangeRecord = {
    ticket,
    input,
    reply: effects.reply,
    reads: effects.reads.map((object) => referenceOf(object, snapshot.get(object))),
    writes: composeWrites(engine, execution, effects.writes),
    serial: 1,
    links: ticket.body.clusters.map(({ cluster, epoch }) => ({
      cluster,
      epoch,
      predecessorSerial: 0,
      follows: ZERO_DIGEST,
    })),
  };
  engine.shadowResults.set(shadow.run, record);
  if (engine.shadowResults.size > RESULTS_MAX) {
    for (const oldest of engine.shadowResults.keys()) {
      engine.shadowResults.delete(oldest);
      break;
    }
  }
  setHandled(engine, execution, { kind: "sent" });
  sendShadowResult(turn, shadow.run, record);
  leave(engine, turn, execution);
}

/** To every member of the home cluster, or in the basic profile to the ticket's acceptance test servers. */
export function sendShadowResult(turn: Turn, run: string, record: ChangeRecord): void {
  const { body } = record.ticket;
  const message = { kind: "shadowResult", run, record } as const;
  if (body.profile === "basic") {
    for (const tester of body.testers) turn.effects.push(send("acceptance-test-server", tester, message));
    return;
  }
  const home = body.clusters.find((entry) => entry.cluster === body.home);
  for (const member of home?.members ?? []) turn.effects.push(send("state-replica", member, message));
}
