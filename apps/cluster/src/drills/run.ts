/** Process of one drill, started by the manager on an audited order (DESIGN §7). Says its verdict over the channel and ends. */
import type { DrillAssignment } from "../manager/drill-orders.ts";
import { DRILLS } from "./catalogue.ts";
import { ManagerChannel } from "./channel.ts";
import { runDrill } from "./run-drill.ts";

const REASON_MAX = 1_000;

const channel = new ManagerChannel();
try {
  const assignment = JSON.parse(process.argv[2] ?? "{}") as DrillAssignment;
  const drill = DRILLS.find(({ name }) => name === assignment.drill);
  if (!drill) throw new Error(`drill: one of ${DRILLS.map(({ name }) => name).join(", ")} expected`);
  await channel.conclude({ kind: "result", result: await runDrill(channel, assignment, drill) });
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  await channel.conclude({ kind: "failed", error: reason.slice(0, REASON_MAX) });
}
process.exit(0);
