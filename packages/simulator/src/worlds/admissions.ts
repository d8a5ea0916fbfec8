/**
 * One replica after the other loses its disk, the next as soon as the masters count on the one before again. Meanwhile the
 * masters hear no reports, so that what was released stays undecided, and the replica that was just admitted hears nothing
 * from the others for a moment: it may hold everything verified, but not yet what the settlement that admits it has kept.
 */
import type { PlacementEntry, StateMaster } from "@redoubt/protocol";
import type { ServerName } from "@redoubt/shared";
import type { Stage } from "../faults.ts";
import type { Host } from "../host.ts";
import { type SeededRandom, seededRandom } from "../random.ts";
import type { WorldPlan } from "../world.ts";

const FIRST_WIPE_MS = 700;
const POLL_MS = 2;
/** Until then the masters have heard that the disk is another one, and do not count on the replica. */
const NOTICED_MS = 400;
const UNHEARD_MS = 260;
const LAST_MS = 3_600;

const isPrimary = ({ running, core }: Host): boolean => running && "isPrimary" in core && core.isPrimary === true;

function placementOf({ hosts }: Stage): PlacementEntry[] {
  const primary = [...hosts.values()].find(isPrimary);
  return primary ? (primary.core as unknown as StateMaster).placement() : [];
}

const isSeated = (placement: readonly PlacementEntry[], replica: ServerName): boolean =>
  placement.length > 0 &&
  placement.every(
    ({ members, joining, struckOff }) =>
      members.includes(replica) && !joining.includes(replica) && !struckOff.includes(replica),
  );

const isSettled = (placement: readonly PlacementEntry[]): boolean =>
  placement.every(({ epoch, settledEpoch }) => epoch === settledEpoch);

/** Calls back when the condition holds, looking again and again. */
function when(stage: Stage, condition: () => boolean, act: () => void, untilMs = LAST_MS): void {
  if (condition()) act();
  else if (untilMs > 0) stage.later(POLL_MS, () => when(stage, condition, act, untilMs - POLL_MS));
}

function wipeInTurn(stage: Stage, [replica, ...rest]: readonly ServerName[], random: SeededRandom): void {
  if (replica === undefined) return;
  const isCounted = () => isSeated(placementOf(stage), replica);
  const others = [...stage.hosts.values()].filter(
    ({ component, server }) => component === "state-replica" && server !== replica,
  );
  stage.wipe(replica, random.between(1, 10));
  const next = () => stage.later(random.between(0, 6), () => wipeInTurn(stage, rest, random));
  const admitted = () => {
    stage.later(UNHEARD_MS, stage.cut(others.map(({ server }) => [server, replica])));
    when(stage, () => isCounted() && isSettled(placementOf(stage)), next);
  };
  let isNoticed = false;
  stage.later(NOTICED_MS, () => {
    isNoticed = true;
  });
  // Where nobody minds the loss at all, the next one may follow: the masters count on this replica.
  const noticed = () => (isCounted() ? next() : when(stage, isCounted, admitted));
  when(stage, () => isNoticed || !isCounted(), noticed);
}

export function admissions(plan: WorldPlan): WorldPlan {
  const random = seededRandom(plan.seed).fork("admissions");
  const first = 1 + random.below(3);
  const replicas = [first, (first % 3) + 1].map((number) => `state-replica-${number}`);
  const run = (stage: Stage): void => {
    const reportsAgain = stage.lose("report");
    stage.later(150, () => wipeInTurn(stage, replicas, random));
    stage.later(LAST_MS - FIRST_WIPE_MS, reportsAgain);
    stage.later(LAST_MS - FIRST_WIPE_MS - 50, () => stage.moveLeases(30));
  };
  return {
    ...plan,
    shape: { ...plan.shape, profile: "optimized", faultsTolerated: 1, replicas: 3, masters: 3, executionServers: 2 },
    clients: Array.from({ length: 6 }, (_, index) => ({ name: `honest-${index + 1}`, operations: 40, attacks: [] })),
    faults: {
      network: { loss: 0, duplication: 0, reordering: 0.02, delayMs: 0.4 },
      events: [{ kind: "script", atMs: FIRST_WIPE_MS - 150, lastsMs: 0, run }],
    },
    behavioursOf: () => [],
    faultyReplicas: new Set(),
    accomplices: new Set(),
  };
}
