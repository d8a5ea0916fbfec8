/**
 * What a compromised execution server can do, as pure functions between an honest shell and the world: bend what its
 * worker computed, or change, multiply and swallow what the shell sends. The simulator and the drills use the same
 * ones; nothing in production may import them.
 */
import type { Hasher, Random } from "@redoubt/protocol";
import type { AnyMessage, Component, Digest, ServerName } from "@redoubt/shared";
import type { Conspiracy } from "./conspiracy.ts";

/** Result of one execution as the worker hands it to the shell; values are JSON text. */
export interface ExecutionOutcome {
  readonly reply: { readonly status: number; readonly body: string };
  readonly reads: readonly string[];
  readonly writes: readonly { readonly object: string; readonly value: string }[];
}

export interface ExecutionContext {
  readonly operation: string;
  /** Canonical JSON text. */
  readonly input: string;
  /** Every object this process has been given so far: what an intruder could have stolen. */
  readonly loot: ReadonlyMap<string, string>;
  /** Replies by which the contract lets this operation refuse; JSON text. Known to drills only. */
  readonly refusals?: readonly ExecutionOutcome["reply"][];
}

/** What an intruder finds in the process it took over. */
export interface AdversaryTools {
  readonly hasher: Hasher;
  /** The server's own evidence key. */
  readonly sign: (digest: Digest) => string;
}

/** One behaviour of REQUIREMENTS §C in one compromised process; may keep state. */
export interface Adversary {
  readonly id: string;
  readonly title: string;
  /** Called for every finished execution. */
  readonly bendExecution?: (context: ExecutionContext, outcome: ExecutionOutcome) => ExecutionOutcome;
  /** Called for every message the shell sends; what it returns is sent instead. */
  readonly bendMessage?: (to: ServerName, message: AnyMessage) => readonly AnyMessage[];
  /** Called for every message that arrives; what it returns is what the honest core inside gets to hear. */
  readonly bendArrival?: (from: ServerName, message: AnyMessage) => readonly AnyMessage[];
}

export type AdversaryFactory = (tools: AdversaryTools) => Adversary;

/** What an intruder can do besides bending: for worlds that give it more than the seams of one process. */
export interface SeededAdversaryTools extends AdversaryTools {
  /** Whether to lie this time; liars that always lie are found too easily. */
  readonly random: Random;
  /** Everything that is compromised in one world knows what the others of it know. */
  readonly conspiracy: Conspiracy;
  /** Sends over the links of the process, in its name. Links let through only what the table of messages allows. */
  readonly send: (to: ServerName, component: Component, message: AnyMessage) => void;
  /** Ends the process at once. */
  readonly die: () => void;
  /** To be told of what shows in no message that was bent: what it sent besides. */
  readonly did?: (id: string) => void;

  /** Calls back so long after the intruder has begun, where there is a clock. */
  readonly later?: (delayMs: number, act: () => void) => void;
  /** Bytes instead of a message, where there are links that carry such. */
  readonly sendFrame?: (to: ServerName, frame: Uint8Array) => void;
}

export type SeededAdversaryFactory = (tools: SeededAdversaryTools) => Adversary;

export const chance = ({ random }: SeededAdversaryTools, probability: number): boolean => random() < probability;

/** Any of the items; undefined when there is none. */
export const anyOf = <Item>({ random }: SeededAdversaryTools, items: readonly Item[]): Item | undefined =>
  items[Math.floor(random() * items.length)];
