/**
 * Who has taken over which process: execution servers for some lives of theirs, replicas for good. An intruder bends what
 * its process computes, sends and hears; the core inside stays honest. Loot is what an execution server's process has been given.
 */
import type { Adversary } from "@redoubt/adversary";
import type { AnyMessage, ServerName } from "@redoubt/shared";

export class Intruders {
  readonly #adversaries = new Map<ServerName, Adversary>();
  readonly #loot = new Map<ServerName, Map<string, string>>();

  /** A process has started; `adversary` is in it from the beginning. */
  enter(server: ServerName, adversary: Adversary | undefined): void {
    this.#loot.set(server, new Map());
    if (adversary) this.#adversaries.set(server, adversary);
    else this.#adversaries.delete(server);
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
