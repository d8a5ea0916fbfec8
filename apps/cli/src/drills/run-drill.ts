/** One drill from the first balance to the report. What it says comes from manager events and from what its clients saw. */
import type { Administration } from "../administration.ts";
import { CommandFailure } from "../failure.ts";
import type { ByzantineDrill, CrashDrill, Drill } from "./catalogue.ts";
import { endProcesses } from "./end-processes.ts";
import { type DrillReport, discardedServer, reportByzantine, reportCrash } from "./report.ts";
import { type DrillTraffic, startTraffic, withDrillClient } from "./traffic.ts";
import { EventWatch, until } from "./watch.ts";

/** Together they stay below what one drill may take (20 s). */
const READY_LIMIT_MS = 10_000;
const DETECTION_LIMIT_MS = 10_000;
const AFTERMATH_LIMIT_MS = 5_000;
const WARM_UP_REQUESTS = 20;
const REQUESTS_AFTERWARDS = 40;

export interface DrillPlace {
  readonly administration: Administration;
  readonly data: string;
  readonly say: (line: string) => void;
}

export async function runDrill(place: DrillPlace, drill: Drill): Promise<DrillReport> {
  const { administration, say } = place;
  await awaitWhole(administration);
  return withDrillClient(administration, drill, async (client) => {
    const traffic = await startTraffic(client, drill);
    if (!(await traffic.answered(WARM_UP_REQUESTS, READY_LIMIT_MS)))
      throw new CommandFailure("the cluster does not answer; see redoubt status");
    const watch = await EventWatch.open(administration);
    say(`${drill.name}: ${drill.title}`);
    const report =
      drill.kind === "byzantine"
        ? await runByzantine(place, drill, traffic, watch)
        : await runCrash(place, drill, traffic, watch);
    await awaitWhole(administration).catch((error: Error) => say(error.message));
    return report;
  });
}

type Status = Awaited<ReturnType<Administration["cluster"]["status"]["query"]>>;

const isWhole = ({ degrees }: Status): boolean => Object.values(degrees).every(({ wanted, live }) => live >= wanted);

/** A drill on a cluster that is already short of something would say nothing. */
async function awaitWhole(administration: Administration): Promise<void> {
  const whole = await until(READY_LIMIT_MS, async () => {
    const status = await administration.cluster.status.query();
    return isWhole(status) ? status : undefined;
  });
  if (whole === undefined) throw new CommandFailure("not every wanted server is live; see redoubt status");
}

async function runByzantine(
  { administration, say }: DrillPlace,
  drill: ByzantineDrill,
  traffic: DrillTraffic,
  watch: EventWatch,
): Promise<DrillReport> {
  const orderedAt = Date.now();
  await administration.drills.start.mutate({ drill: drill.name });
  const discarded = await until(DETECTION_LIMIT_MS, async () => discardedServer(await watch.look()));
  say(discarded ? `${discarded.server} is discarded: ${discarded.cause}` : "nothing was detected");
  await traffic.answered(REQUESTS_AFTERWARDS, AFTERMATH_LIMIT_MS);
  const seen = await traffic.finish();
  await watch.look();
  return reportByzantine(drill, orderedAt, watch.events, seen);
}

async function runCrash(
  { administration, data, say }: DrillPlace,
  drill: CrashDrill,
  traffic: DrillTraffic,
  watch: EventWatch,
): Promise<DrillReport> {
  await administration.drills.start.mutate({ drill: drill.name });
  const victims = chooseVictims(drill, await administration.cluster.status.query());
  const at = endProcesses(data, victims);
  say(`ended ${victims.map(({ name, pid }) => `${name} (pid ${pid})`).join(", ")}`);
  const liveAgainAt = await until(DETECTION_LIMIT_MS, async () => {
    await watch.look();
    return isReplaced(drill, victims, await administration.cluster.status.query()) ? Date.now() : undefined;
  });
  await traffic.answered(REQUESTS_AFTERWARDS, AFTERMATH_LIMIT_MS);
  const seen = await traffic.finish();
  await watch.look();
  const servers = victims.map(({ name }) => name);
  return reportCrash(drill, { at, servers, liveAgainAt }, watch.events, seen);
}

interface Victim {
  readonly name: string;
  readonly pid: number;
}

const serversOf = (drill: CrashDrill, status: Status): Status["nodes"][number]["servers"] =>
  status.nodes.flatMap(({ servers }) => servers).filter(({ component }) => component === drill.component);

function chooseVictims(drill: CrashDrill, status: Status): Victim[] {
  const { choice } = drill;
  const degree = status.degrees[drill.component];
  const count = choice === "as-many-as-tolerated" ? (degree?.faultsToleratedByDesign ?? 0) : 1;
  const candidates = serversOf(drill, status).flatMap(({ name, pid, role }) =>
    pid !== null && (choice === "as-many-as-tolerated" || role === choice.role) ? [{ name, pid }] : [],
  );
  const victims = candidates.slice(0, count);
  if (victims.length === 0 || victims.length < count) {
    const wanted = choice === "as-many-as-tolerated" ? `${count || 1} to end` : `one in the role "${choice.role}"`;
    throw new CommandFailure(`${drill.component}: ${wanted} expected, ${victims.length} found; see redoubt status`);
  }
  return victims;
}

/** The ended ones run again as other processes, as many are live as wanted, and the role is filled. */
function isReplaced(drill: CrashDrill, victims: readonly Victim[], status: Status): boolean {
  const servers = serversOf(drill, status);
  const degree = status.degrees[drill.component];
  const { choice } = drill;
  return (
    degree !== undefined &&
    degree.live >= degree.wanted &&
    victims.every((victim) =>
      servers.some(({ name, pid }) => name === victim.name && pid !== null && pid !== victim.pid),
    ) &&
    (choice === "as-many-as-tolerated" || servers.some(({ role }) => role === choice.role))
  );
}
