/** The drills this cluster knows: what each brings, what the clients ask meanwhile, and what counts as having found it. */
import { LEAK_ENCODINGS, titleOfDrill } from "@redoubt/adversary";
import type { AttemptAct, MisbehaviourAct } from "@redoubt/shared";

export type LaneOperationName = "balance" | "transfer" | "statement";

/** Events that prove a detection; any one of them does, if it names the server. */
export interface Expectation {
  /** Words of `server.misbehaved`. */
  readonly acts?: readonly MisbehaviourAct[];
  /** In the cause of `server.discarded`. */
  readonly discarded?: RegExp;
  /** In the title of `incident.opened`. */
  readonly incident?: RegExp;
  /** Words of `worker.attempt`. */
  readonly attempts?: readonly AttemptAct[];
  /** `server.state`: its process is known to have ended. */
  readonly ended?: true;
}

interface CommonDrill {
  /** As in the catalogue of misbehaviours (A…, B…) and faults (F…). */
  readonly name: string;
  readonly title: string;
  /** What the drill's clients ask, in turn. */
  readonly operations: readonly LaneOperationName[];
}

/** One process of an execution server misbehaves while it holds the leases. */
export interface ByzantineDrill extends CommonDrill {
  readonly kind: "byzantine";
  readonly expects: Expectation;
  /** It loses the leases once it has begun, without being ended. */
  readonly losesLeases?: true;
  /** Forms of the behaviour, each with a process of its own, one after the other; the share found is measured. */
  readonly rounds?: readonly string[];
  /** What escapes in some rounds is what is measured, and counts as nothing else. */
  readonly mayEscape?: true;
  /** Another process has this behaviour first, and hands on what it learns. */
  readonly prelude?: string;
}

/** A state replica misbehaves. */
export interface ReplicaDrill extends CommonDrill {
  readonly kind: "replica";
  readonly expects: Expectation;
  /** Behaviour of an execution server that the replica stands up for. */
  readonly accomplice?: string;
  /** How long it may take to be found (ms), where that follows from a period. */
  readonly limitMs?: number;
}

/** Processes end without warning. */
export interface CrashDrill extends CommonDrill {
  readonly kind: "crash";
  readonly component: "execution-server" | "state-replica" | "state-master";
  /** Which of them: one in this role, or as many as the component tolerates by design. */
  readonly choice: { readonly role: string } | "as-many-as-tolerated";
}

/** Processes, links, clocks, disks or databases fail for a while: faults.ts. */
export interface FaultDrill extends CommonDrill {
  readonly kind: "fault";
}

/** Needs what is not built. */
export interface OpenDrill extends CommonDrill {
  readonly kind: "open";
  readonly reason: string;
}

export type Drill = ByzantineDrill | ReplicaDrill | CrashDrill | FaultDrill | OpenDrill;

const MIXED: readonly LaneOperationName[] = ["transfer", "balance", "transfer", "statement"];
/** Only free text can carry a stolen name; the transfers see to it that there is something to steal. */
const TEXTS: readonly LaneOperationName[] = ["statement", "transfer"];
const READS: readonly LaneOperationName[] = ["balance", "statement"];

const TESTED: Expectation = { discarded: /^an acceptance test failed/ };
const VERSIONS: readonly MisbehaviourAct[] = ["overwrite", "rollback", "version-jump"];

const byzantine = (
  name: string,
  expects: Expectation,
  more: Partial<Omit<ByzantineDrill, "kind" | "name" | "title" | "expects">> = {},
): ByzantineDrill => ({
  kind: "byzantine",
  name,
  title: titleOfDrill(name).title,
  operations: MIXED,
  expects,
  ...more,
});

const replica = (
  name: string,
  expects: Expectation,
  more: Pick<ReplicaDrill, "accomplice" | "limitMs"> = {},
): ReplicaDrill => ({ kind: "replica", name, title: titleOfDrill(name).title, operations: MIXED, expects, ...more });

const crash = (name: string, component: CrashDrill["component"], choice: CrashDrill["choice"]): CrashDrill => ({
  kind: "crash",
  name,
  title: titleOfDrill(name).title,
  operations: MIXED,
  component,
  choice,
});

const fault = (name: string): FaultDrill => ({
  ...{ kind: "fault", name, title: titleOfDrill(name).title, operations: MIXED },
});

const open = (name: string): OpenDrill => {
  const { title, open: reason } = titleOfDrill(name);
  return { kind: "open", name, title, operations: MIXED, reason: reason ?? "there is no drill of it" };
};

const DIVERGED: Expectation = { acts: ["equivocation"], discarded: /equal-changes/ };

export const DRILLS: readonly Drill[] = [
  byzantine("A1", TESTED),
  byzantine("A2", TESTED),
  byzantine("A3", TESTED),
  byzantine("A4", DIVERGED),
  byzantine("A5", { acts: ["partial-multicast"], discarded: /incomplete-change/ }),
  byzantine("A6", DIVERGED),
  // What is rewritten keeps its old epoch, which is not the ticket's; and the version before the first has none.
  byzantine("A7", {
    acts: [...VERSIONS, "write-outside-scope", "malformed"],
    discarded: /\((scope|malformed)\)/,
  }),
  byzantine("A8", { acts: [...VERSIONS, "write-outside-scope"] }),
  byzantine("A9", { acts: ["write-outside-scope", "malformed"], discarded: /\((scope|malformed)\)/ }),
  byzantine("A10", { acts: ["read-outside-scope"], discarded: /\(scope\)|access-log/ }),
  byzantine("A11", TESTED, { operations: READS }),
  byzantine("A12", TESTED, { operations: TEXTS }),
  byzantine("A13", TESTED, { operations: TEXTS, rounds: LEAK_ENCODINGS, mayEscape: true }),
  byzantine("A14", { acts: ["write-outside-scope", "malformed"], discarded: /\(scope\)|\(malformed\)|read-only/ }),
  byzantine("A15", TESTED),
  byzantine("A16", { ended: true }),
  byzantine("A17", { discarded: /^an acceptance test failed|deadline/ }),
  byzantine("A18", { discarded: /deadline/ }),
  byzantine(
    "A19",
    { discarded: /^a deadline passed|^a worker crashed/, attempts: ["process", "thread", "system-call"] },
    { rounds: ["spin", "memory", "fork"] },
  ),
  byzantine("A20", { discarded: /flood/ }),
  byzantine("A21", { acts: ["forged-ticket"], discarded: /\(ticket\)/ }),
  byzantine("A22", { acts: ["duplicate-reply", "fabricated-reply"] }),
  byzantine("A23", { acts: ["fabricated-reply", "forged-ticket"] }),
  byzantine("A24", { acts: ["replayed-request", "equivocation"] }),
  byzantine("A25", { acts: ["foreign-lease"] }, { losesLeases: true }),
  byzantine("A26", { acts: ["foreign-ticket"], discarded: /\(sender\)/ }, { prelude: "overhear" }),
  byzantine("A27", { acts: ["forged-ticket"], discarded: /\(ticket\)/ }),
  byzantine("A28", { incident: /broke the rules of the link/ }),
  byzantine("A29", { attempts: ["network", "database"] }),
  byzantine("A30", { attempts: ["database", "network"] }),
  byzantine("A31", TESTED),
  byzantine("A32", TESTED, { rounds: ["1", "2", "3"] }),
  open("A33"),
  byzantine("A34", { incident: /broke the rules of the link/, acts: ["malformed"] }),
  byzantine("A35", { acts: ["foreign-lease"] }, { losesLeases: true }),
  byzantine("A36", { acts: ["malformed"], discarded: /\(malformed\)/ }),
  byzantine("A37", TESTED),
  byzantine("A38", TESTED),
  replica("B1", { acts: ["false-verdict"] }, { accomplice: "A2" }),
  replica("B2", { acts: ["false-verdict"] }),
  replica("B3", { acts: ["withheld-verdict"] }),
  replica("B4", { acts: ["contradicts-signature"] }),
  replica("B5", { acts: ["omitted-log"] }, { accomplice: "A10" }),
  replica("B6", { acts: ["corrupt-copy"] }, { limitMs: 45_000 }),
  replica("B7", { acts: ["forged-reply"] }),
  open("B8"),
  crash("F1", "execution-server", { role: "lease holder" }),
  crash("F2", "state-replica", "as-many-as-tolerated"),
  crash("F3", "state-master", { role: "primary" }),
  open("F4"),
  open("F5"),
  ...["F6", "F7", "F8", "F9", "F10", "F11", "F12", "F13"].map((name) => fault(name)),
  open("F14"),
];

/** Customers of the bank that drills use, from the last one down: bystanders first, then one block per lane. */
const LAST_CUSTOMER = 1_000;
const BYSTANDER_PAIRS = 20;
const LANE_PAIRS = 12;
/** Lanes that may run at a time. */
export const LANES_MAX = 6;

export interface CustomerPair {
  readonly first: number;
  readonly second: number;
}

const pairsBelow = (last: number, count: number): CustomerPair[] =>
  Array.from({ length: count }, (_, index) => ({ first: last - 2 * index - 1, second: last - 2 * index }));

/** Pairs that only one user has at a time, so that their balances are known exactly. */
export function customersOf(user: "bystanders" | number): CustomerPair[] {
  if (user === "bystanders") return pairsBelow(LAST_CUSTOMER, BYSTANDER_PAIRS);
  if (user < 0 || user >= LANES_MAX) throw new RangeError(`lane ${user} expected to be 0 … ${LANES_MAX - 1}`);
  return pairsBelow(LAST_CUSTOMER - 2 * (BYSTANDER_PAIRS + user * LANE_PAIRS), LANE_PAIRS);
}
