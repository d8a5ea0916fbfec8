/** Follows the manager's events while a drill runs. The manager may be busy or restarting: a failed look is repeated. */
import type { FeedEvent } from "@redoubt/shared";
import type { Administration } from "../administration.ts";

const POLL_MS = 100;
const EVENTS_MAX = 500;

export const pause = (durationMs: number): Promise<void> => new Promise((resume) => setTimeout(resume, durationMs));

/** Asks until the answer is there or the time is over. */
export async function until<Value>(
  limitMs: number,
  look: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    if (performance.now() > limit) return undefined;
    await pause(POLL_MS);
  }
}

export class EventWatch {
  readonly #administration: Administration;
  #last: number;
  #events: FeedEvent[] = [];

  private constructor(administration: Administration, last: number) {
    this.#administration = administration;
    this.#last = last;
  }

  /** Knows every event from now on. */
  static async open(administration: Administration): Promise<EventWatch> {
    const { latest } = await administration.cluster.events.query({ limit: 1 });
    return new EventWatch(administration, latest);
  }

  /** Oldest first. */
  get events(): readonly FeedEvent[] {
    return this.#events;
  }

  async look(): Promise<readonly FeedEvent[]> {
    const { latest, events } = await this.#administration.cluster.events.query({ limit: EVENTS_MAX });
    const fresh = (events as FeedEvent[]).filter(({ number }) => number > this.#last);
    this.#events = [...this.#events, ...fresh.sort((left, right) => left.number - right.number)];
    this.#last = Math.max(this.#last, latest);
    return this.#events;
  }
}
