/**
 * Who is captured in a seed, by what, and for how long. Any number of execution servers may be, up to t replicas, and in the
 * basic configuration one acceptance test server may keep silent (REQUIREMENTS §C).
 */
import {
  COLLUDING_REPLICAS,
  executionAdversaries,
  REPLICA_ADVERSARIES,
  type SeededAdversaryFactory,
  SPLITTING_ADVERSARIES,
  shellAdversaries,
  silentAcceptance,
  WORKER_ADVERSARIES,
} from "@redoubt/adversary";
import type { ServerName } from "@redoubt/shared";
import type { ClusterShape } from "./cluster.ts";
import type { SeededRandom } from "./random.ts";

export interface Cast {
  /** By "server/life". */
  readonly intruders: ReadonlyMap<string, readonly SeededAdversaryFactory[]>;
  /** Replicas and acceptance test servers, in all their lives. */
  readonly liars: ReadonlyMap<ServerName, readonly SeededAdversaryFactory[]>;
  /** The liars work for the intruders. */
  readonly isPlot: boolean;
  /** So many processes lie in shadow runs that they can frame a client (ADR 0004). */
  readonly mayFrame: boolean;
}

export function castUsual(random: SeededRandom, shape: ClusterShape, replicas: readonly ServerName[]): Cast {
  const isPlot = random.chance(0.35);
  const intruders = chooseIntruders(random.fork("intruders"), shape, isPlot);
  const liars = chooseLiars(random.fork("liars"), replicas, shape.faultsTolerated, isPlot);
  return { intruders, liars, isPlot, mayFrame: false };
}

/**
 * Some processes are taken over from their start, by one behaviour or by several at once; never all lives of all servers,
 * or nobody honest would be left to serve.
 */
function chooseIntruders(
  random: SeededRandom,
  shape: ClusterShape,
  isPlot: boolean,
): Map<string, SeededAdversaryFactory[]> {
  const intruders = new Map<string, SeededAdversaryFactory[]>();
  if (!isPlot && random.chance(0.4)) return intruders;
  for (let count = 1 + random.below(shape.executionServers > 2 ? 2 : 1); count > 0; count--) {
    const server = `execution-server-${1 + random.below(shape.executionServers)}`;
    const behaviours = several(random, executionAdversaries(server), 0.3);
    // Accomplices have most to say where members were told different things.
    if (isPlot && random.chance(0.7)) behaviours.push(random.pick(SPLITTING_ADVERSARIES));
    for (let life = 1; life <= (random.chance(0.3) ? 2 : 1); life++) intruders.set(`${server}/${life}`, behaviours);
  }
  return intruders;
}

/** At most t replicas lie, in all their lives; in a plot they do it for the captured execution servers. */
function chooseLiars(
  random: SeededRandom,
  replicas: readonly ServerName[],
  faultsTolerated: number,
  isPlot: boolean,
): Map<ServerName, readonly SeededAdversaryFactory[]> {
  const liars = new Map<ServerName, readonly SeededAdversaryFactory[]>();
  if (!isPlot && random.chance(0.4)) return liars;
  const count = isPlot && random.chance(0.7) ? faultsTolerated : 1 + random.below(faultsTolerated);
  while (liars.size < count) {
    const server = random.pick(replicas);
    const behaviours = several(random, isPlot ? COLLUDING_REPLICAS : REPLICA_ADVERSARIES, isPlot ? 0.5 : 0.2);
    liars.set(server, isPlot && random.chance(0.2) ? [...behaviours, random.pick(REPLICA_ADVERSARIES)] : behaviours);
  }
  return liars;
}

/** One of them; another one with it with the probability given, and so on. */
function several<Item>(random: SeededRandom, items: readonly Item[], more: number): Item[] {
  const chosen = new Set<Item>([random.pick(items)]);
  while (chosen.size < 3 && random.chance(more)) chosen.add(random.pick(items));
  return [...chosen];
}

/**
 * Processes that may lie in shadow runs as well without being able to frame anybody: an attempt that a captured shell spoils
 * and two that lie in its shadow runs are three distinct processes (ADR 0004).
 */
const LYING_WORKERS_MAX = 1;
const BEHAVIOURS_MAX = 4;

/**
 * Everything at once: most execution servers are captured, each by two to four behaviours that come and go, for several lives;
 * t replicas lie at the same time.
 */
export function castMixed(random: SeededRandom, shape: ClusterShape, replicas: readonly ServerName[]): Cast {
  const draw = random.fork("mixed cast");
  const isPlot = draw.chance(0.6);
  const mayFrame = draw.chance(0.25);
  return {
    intruders: mixIntruders(draw, shape, mayFrame ? Number.POSITIVE_INFINITY : LYING_WORKERS_MAX),
    liars: mixLiars(draw, shape, replicas, isPlot),
    isPlot,
    mayFrame,
  };
}

function mixIntruders(
  random: SeededRandom,
  { executionServers }: ClusterShape,
  lyingWorkers: number,
): Map<string, readonly SeededAdversaryFactory[]> {
  const intruders = new Map<string, readonly SeededAdversaryFactory[]>();
  let lying = 0;
  for (let server = 1; server <= executionServers; server++) {
    if (!random.chance(0.75)) continue;
    const name = `execution-server-${server}`;
    // The last lives are honest: somebody has to serve in the end.
    for (let life = 1 + random.below(3); life >= 1; life--) {
      const lies = lying < lyingWorkers && random.chance(0.6);
      if (lies) lying++;
      intruders.set(`${name}/${life}`, mix(random, shellAdversaries(name), lies ? WORKER_ADVERSARIES : []));
    }
  }
  return intruders;
}

/** Two to four behaviours, one or two of them of the worker where there are such. */
function mix(
  random: SeededRandom,
  shell: readonly SeededAdversaryFactory[],
  worker: readonly SeededAdversaryFactory[],
): SeededAdversaryFactory[] {
  const chosen = new Set<SeededAdversaryFactory>();
  const count = 2 + random.below(BEHAVIOURS_MAX - 1);
  if (worker.length > 0) for (let each = 1 + random.below(2); each > 0; each--) chosen.add(random.pick(worker));
  while (chosen.size < count) chosen.add(random.pick(shell));
  return [...chosen].sort(() => random() - 0.5);
}

function mixLiars(
  random: SeededRandom,
  shape: ClusterShape,
  replicas: readonly ServerName[],
  isPlot: boolean,
): Map<ServerName, readonly SeededAdversaryFactory[]> {
  const liars = new Map<ServerName, readonly SeededAdversaryFactory[]>();
  const lies = isPlot ? [...COLLUDING_REPLICAS, ...REPLICA_ADVERSARIES] : REPLICA_ADVERSARIES;
  while (liars.size < shape.faultsTolerated) liars.set(random.pick(replicas), mix(random, lies, []));
  if (shape.profile === "basic" && random.chance(0.5))
    liars.set(`acceptance-test-server-${1 + random.below(shape.acceptanceTestServers)}`, [silentAcceptance]);
  return liars;
}
