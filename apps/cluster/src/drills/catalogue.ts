/** The drills this cluster knows: which misbehaviour or fault each brings, and what the clients ask meanwhile. */

export type LaneOperationName = "balance" | "transfer" | "statement";

interface CommonDrill {
  /** As in the catalogue of misbehaviours (A…) and faults (F…). */
  readonly name: string;
  readonly title: string;
  /** What the drill's clients ask, in turn. */
  readonly operations: readonly LaneOperationName[];
}

/** One process of an execution server runs an entry file that misbehaves; the manager starts it. */
export interface ByzantineDrill extends CommonDrill {
  readonly kind: "byzantine";
  /** Below `dist`. */
  readonly entry: string;
}

/** Processes end without warning. */
export interface CrashDrill extends CommonDrill {
  readonly kind: "crash";
  readonly component: "execution-server" | "state-replica" | "state-master";
  /** Which of them: one in this role, or as many as the component tolerates by design. */
  readonly choice: { readonly role: string } | "as-many-as-tolerated";
}

export type Drill = ByzantineDrill | CrashDrill;

const MIXED: readonly LaneOperationName[] = ["transfer", "balance", "transfer", "statement"];

export const DRILLS: readonly Drill[] = [
  { kind: "byzantine", name: "A1", entry: "drills/a1.js", title: "wrong reply, right state", operations: MIXED },
  { kind: "byzantine", name: "A2", entry: "drills/a2.js", title: "right reply, wrong state", operations: MIXED },
  {
    kind: "byzantine",
    name: "A4",
    entry: "drills/a4.js",
    title: "another change set for one of the replicas",
    operations: MIXED,
  },
  // Only free text can carry a stolen name; the transfers see to it that there is something to steal.
  {
    kind: "byzantine",
    name: "A12",
    entry: "drills/a12.js",
    title: "another client's secret in the reply",
    operations: ["statement", "transfer"],
  },
  {
    kind: "crash",
    name: "F1",
    title: "crash of the execution server that holds the leases",
    operations: MIXED,
    component: "execution-server",
    choice: { role: "lease holder" },
  },
  {
    kind: "crash",
    name: "F2",
    title: "crash of as many state replicas as are tolerated, at once",
    operations: MIXED,
    component: "state-replica",
    choice: "as-many-as-tolerated",
  },
  {
    kind: "crash",
    name: "F3",
    title: "crash of the state masters' primary with versions pending",
    operations: MIXED,
    component: "state-master",
    choice: { role: "primary" },
  },
];

/** Pairs of customers per drill; each drill has its own, so that their balances are known exactly. */
export const LANES_PER_DRILL = 20;
const LAST_CUSTOMER = 1_000;

/** The customers of one drill in the bank: pairs that nobody else should use meanwhile. */
export function customersOf(drill: Drill): { readonly first: number; readonly second: number }[] {
  const position = DRILLS.indexOf(drill);
  if (position < 0) throw new Error(`${drill.name} is in no catalogue`);
  const last = LAST_CUSTOMER - position * 2 * LANES_PER_DRILL;
  return Array.from({ length: LANES_PER_DRILL }, (_, lane) => ({
    first: last - 2 * lane - 1,
    second: last - 2 * lane,
  }));
}
