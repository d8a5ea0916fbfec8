/**
 * Who has taken over which process: execution servers for some lives of theirs, replicas for good. An intruder bends what
 * its process computes, sends and hears; the core inside stays honest. Loot is what an execution server's process has been given.
 */
import {
  type Adversary,
  Conspiracy,
  type SeededAdversaryFactory,
  type SeededAdversaryTools,
  shifting,
  together,
} from "@redoubt/adversary";
import type { AnyMessage, ServerName } from "@redoubt/shared";
import type { FaultCounts } from "./network.ts";
import type { SeededRandom } from "./random.ts";

/** What a captured process can do that others cannot do for it. */
type Limbs = Omit<SeededAdversaryTools, "random" | "conspiracy">;

export class Intruders {
  readonly #lies: SeededRandom;
  readonly #conspiracy = new Conspiracy();
  readonly #count: (kind: string) => void;
  readonly #captured = new Set<ServerName>();
  /** Per captured process, what its behaviours really did. */
  readonly #deeds: Set<string>[] = [];
  readonly #adversaries = new Map<ServerName, Adversary>();
  readonly #loot = new Map<ServerName, Map<string, string>>();

  /** `count` hears of every deed, as "byzantine:A4". */
  constructor(lies: SeededRandom, accomplices: Iterable<ServerName>, count: (kind: string) => void) {
    this.#lies = lies;
    this.#count = count;
    for (const accomplice of accomplices) this.#conspiracy.accomplices.add(accomplice);
  }

  /**
   * Several behaviours as one intruder, undefined without any. Each is counted by what it does: one for each message or
   * result it has bent, and for each of its own.
   */
  compose(factories: readonly SeededAdversaryFactory[], isChanging: boolean, limbs: Limbs): Adversary | undefined {
    if (factories.length === 0) return undefined;
    if (factories.length > 1) this.#count("byzantine:several-at-once");
    const done = new Set<string>();
    this.#deeds.push(done);
    const credit = (id: string): void => {
      done.add(id);
      this.#count(`byzantine:${id}`);
    };
    const parts = factories.map((factory) => {
      let id = "";
      const part = factory({
        ...limbs,
        random: this.#lies,
        conspiracy: this.#conspiracy,
        send: (to, component, message) => {
          credit(id);
          limbs.send(to, component, message);
        },
        die: () => {
          credit(id);
          limbs.die();
        },
      });
      id = part.id;
      return part;
    });
    return together(parts, credit, isChanging ? shifting(parts, this.#lies) : undefined);
  }

  /** Per set of behaviours that took place in one process, as "A1+A4", in how many processes. */
  get compositions(): FaultCounts {
    const counts: FaultCounts = {};
    for (const done of this.#deeds) {
      const name = [...done].sort().join("+");
      if (name !== "") counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /** A process has started; `adversary` is in it from the beginning. */
  enter(server: ServerName, adversary: Adversary | undefined): void {
    this.#loot.set(server, new Map());
    if (adversary) this.#captured.add(server);
    if (adversary) this.#adversaries.set(server, adversary);
    else this.#adversaries.delete(server);
  }

  /** Whether nobody was ever in a process of this name. */
  isInnocent(server: ServerName): boolean {
    return !this.#captured.has(server);
  }

  of(server: ServerName): Adversary | undefined {
    return this.#adversaries.get(server);
  }

  lootOf(server: ServerName): Map<string, string> {
    return this.#loot.get(server) ?? new Map();
  }

  /** What leaves the process instead of this message. */
  bend(from: ServerName, to: ServerName, message: AnyMessage): readonly AnyMessage[] {
    return this.#adversaries.get(from)?.bendMessage?.(to, message) ?? [message];
  }

  /** What the process hears instead of this message. */
  hear(at: ServerName, from: ServerName, message: AnyMessage): readonly AnyMessage[] {
    return this.#adversaries.get(at)?.bendArrival?.(from, message) ?? [message];
  }
}
