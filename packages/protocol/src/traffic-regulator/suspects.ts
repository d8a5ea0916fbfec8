/**
 * The suspect lane (PROTOCOL §10): principals whose requests run in a worker of their own with every home member testing,
 * from their first failure until attribution ends, and those whose requests keep ending in convicted servers.
 *
 * The lane is two workers wide, so nobody may stay there for long because a machine was slow: on a busy one an honest process
 * that misses deadlines is convicted with whatever request was first to expire. Hence convictions count by process, not by
 * request, and a principal leaves the lane when so many of its requests have passed there.
 *
 * Good requests cost a poisoner nothing, so they must not pay for bad ones: what passed before another conviction counts for
 * nothing, and each return takes twice as many, without forgetting while convictions go on. After few rounds no principal can
 * make so many requests there before ten minutes without a conviction are over, which end the suspicion of anybody.
 */
const CONVICTIONS = 3;
const WINDOW_MS = 10 * 60_000;
/** Requests that must pass in the lane before it is left, the first time. */
const PROBATION = 16;
/** More than two workers can do within the window. */
const PROBATION_MAX = 65_536;

interface Conviction {
  /** The convicted process. */
  readonly process: string;
  readonly at: number;
}

interface Probation {
  /** Requests that still have to pass in the lane. */
  left: number;
  /** How many they were at first. */
  readonly length: number;
  /** Of the last conviction. */
  convictedAt: number;
}

export class Suspects {
  readonly #open = new Map<string, number>();
  readonly #convictions = new Map<string, readonly Conviction[]>();
  readonly #probations = new Map<string, Probation>();

  /** A request of this principal is under attribution. */
  open(principal: string): void {
    this.#open.set(principal, (this.#open.get(principal) ?? 0) + 1);
  }

  close(principal: string): void {
    const left = (this.#open.get(principal) ?? 0) - 1;
    if (left > 0) this.#open.set(principal, left);
    else this.#open.delete(principal);
  }

  /** A server's process was convicted on a request of this principal. */
  convicted(principal: string, process: string, now: number): void {
    const recent = this.#recent(principal, now);
    const others = recent.filter((conviction) => conviction.process !== process);
    const all = [...others, { process, at: now }].slice(-CONVICTIONS);
    this.#convictions.set(principal, all);
    const last = this.#remembered(principal, now);
    if (last) last.convictedAt = now;
    if (all.length < CONVICTIONS) return;
    if (last && last.left > 0) {
      if (others.length === recent.length) last.left = last.length;
      return;
    }
    const length = last ? Math.min(PROBATION_MAX, 2 * last.length) : PROBATION;
    this.#probations.set(principal, { left: length, length, convictedAt: now });
  }

  /** A request of this principal that ran in a worker of its own ended well. */
  passed(principal: string): void {
    const probation = this.#probations.get(principal);
    if (!probation || probation.left === 0) return;
    probation.left -= 1;
    if (probation.left === 0) this.#convictions.delete(principal);
  }

  has(principal: string, now: number): boolean {
    if ((this.#open.get(principal) ?? 0) > 0) return true;
    return this.#recent(principal, now).length >= CONVICTIONS;
  }

  #remembered(principal: string, now: number): Probation | undefined {
    const probation = this.#probations.get(principal);
    if (probation && now - probation.convictedAt >= WINDOW_MS) this.#probations.delete(principal);
    return this.#probations.get(principal);
  }

  #recent(principal: string, now: number): readonly Conviction[] {
    return (this.#convictions.get(principal) ?? []).filter(({ at }) => now - at < WINDOW_MS);
  }
}
