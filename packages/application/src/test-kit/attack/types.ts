/** The words of an attack on an application. Types only. */
import type { AcceptanceOutcome, AcceptanceRecord } from "../../acceptance/record.ts";

/** A request, the objects as they stood, and what an honest server makes of it. */
export interface HonestCase {
  readonly operation: string;
  /** Objects that differ from the first state. */
  readonly overlay: ReadonlyMap<string, unknown>;
  readonly record: AcceptanceRecord;
  /** What the acceptance test says about the honest work. */
  readonly outcome: AcceptanceOutcome;
}

/** What a captured server sends instead. */
export interface Forgery {
  readonly record: AcceptanceRecord;
  /** What was done, such as `reply.balance + 1`. The same words for the same thing in every case. */
  readonly what: string;
}

/** `state`: other values are stored. `reply`: the client is told something else. `access`: only reads differ. */
export type Harm = "state" | "reply" | "access";

/** A combinator or line of the contract that holds for every honest case and fails for the forged ones. */
export interface Suggestion {
  /** Where it belongs: `accept`, `refusals.<name>` or `contract`. */
  readonly where: string;
  /** As a developer would write it. */
  readonly text: string;
  /** Of the accepted forgeries it was tried on, those it fails. */
  readonly catches: number;
}

/** Forgeries of one kind that were accepted. */
export interface Survivor {
  readonly operation: string;
  /** Name of a behaviour, or `mutant`. */
  readonly behaviour: string;
  /** What was done; of a mutant `execution.ts:24 removed transaction.set(…)`. */
  readonly what: string;
  readonly harm: Harm;
  /** Accepted, of those that differ from the honest work. */
  readonly accepted: number;
  readonly tried: number;
  readonly example: Example;
  /** Best first; empty when nothing that was tried tells honest and forged apart. */
  readonly caughtBy: readonly Suggestion[];
}

export interface Example {
  readonly input: unknown;
  readonly honestReply: unknown;
  readonly forgedReply: unknown;
  readonly honestState: Readonly<Record<string, unknown>>;
  readonly forgedState: Readonly<Record<string, unknown>>;
}

export interface Tally {
  readonly tried: number;
  readonly caught: number;
}

export interface BehaviourReport {
  readonly behaviour: string;
  /** Number in the catalogue of Byzantine behaviours, such as A2. */
  readonly catalogue: string;
  readonly title: string;
  readonly state: Tally;
  readonly reply: Tally;
  readonly access: Tally;
  /** By the check that failed, for those that were caught. */
  readonly caughtBy: Readonly<Record<string, number>>;
}

export interface OperationReport {
  readonly operation: string;
  /** Requests with success, and with each refusal. */
  readonly cases: number;
  readonly refusals: Readonly<Record<string, number>>;
  /** The handler threw. */
  readonly crashed: number;
  /** Honest work that the acceptance test rejects: a test that is wrong the other way. */
  readonly rejected: number;
  /** Two honest executions of the same request differ: forged ones cannot be told from them. */
  readonly unstable: boolean;
  readonly rejection: { readonly input: unknown; readonly check: string; readonly detail: string } | null;
}

/** What became of one mutant. `equivalent`: no request showed a difference; `crashed`: it threw or never returned whenever it differed. */
export type MutantFate = "caught" | "survived" | "equivalent" | "crashed";

export interface MutantReport {
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly fate: MutantFate;
  readonly state: Tally;
  readonly reply: Tally;
  readonly caughtBy: Readonly<Record<string, number>>;
}

export interface AttackReport {
  readonly application: string;
  readonly version: number;
  readonly seed: number;
  readonly operations: readonly OperationReport[];
  readonly behaviours: readonly BehaviourReport[];
  /** Null when the application's folder was not given. */
  readonly mutants: readonly MutantReport[] | null;
  /** Forged work that changes the state, behaviours and mutants together. */
  readonly stateChanging: Tally;
  readonly survivors: readonly Survivor[];
  /** Other refusals than the honest one, which the versions read justify as well: no survivors. */
  readonly otherTrueRefusals: number;
  readonly seconds: number;
}
