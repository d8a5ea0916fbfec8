/**
 * Which execution servers hold leases, for people to see: asked of the masters every second, and at once when the
 * regulator says that an epoch was opened. Nothing is decided by it.
 */
import type { ServerName } from "@redoubt/shared";
import type { StateLink } from "./state-link.ts";

const LOOK_MS = 1_000;

export class LeaseHolders {
  readonly #state: StateLink;
  readonly #timer: NodeJS.Timeout;
  #holders: ReadonlySet<ServerName> = new Set();
  #isAsking = false;

  constructor(state: StateLink) {
    this.#state = state;
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  has(server: ServerName): boolean {
    return this.#holders.has(server);
  }

  async look(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const placement = await this.#state.placement();
    this.#isAsking = false;
    if (placement) this.#holders = new Set(placement.map(({ holder }) => holder));
  }
}
