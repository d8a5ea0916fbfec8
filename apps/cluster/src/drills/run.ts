/** Process of one run of drills, started by the manager on an audited order (DESIGN §7). Says what it found over the channel and ends. */
import type { DrillAssignment } from "../manager/drill-orders.ts";
import { DRILLS } from "./catalogue.ts";
import { ManagerChannel } from "./channel.ts";
import { runDrills } from "./run-drills.ts";
import { holdScene, SCENES } from "./scenes.ts";

const REASON_MAX = 1_000;

const channel = new ManagerChannel();
try {
  const assignment = JSON.parse(process.argv[2] ?? "{}") as DrillAssignment;
  const scene = SCENES.find(({ name }) => name === assignment.drill);
  if (scene) await holdScene(channel, scene);
  const names = assignment.drill === "ALL" ? DRILLS.map(({ name }) => name) : assignment.drill.split(",");
  const drills = names.map((name) => {
    const drill = DRILLS.find((known) => known.name === name);
    if (!drill) throw new Error(`drill: ALL, or some of ${DRILLS.map((known) => known.name).join(", ")} expected`);
    return drill;
  });
  await runDrills(channel, assignment, drills, (result) => void channel.tell({ kind: "result", result }));
  await channel.tell({ kind: "done" });
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  await channel.tell({ kind: "failed", error: reason.slice(0, REASON_MAX) });
}
process.exit(0);
