/** Watches from outside that nothing quarantined is executed: what was rejected never again, what is held not before its release. */
import type { RequestId } from "@redoubt/shared";

/** Orders that were already under way when a request was quarantined may still arrive within this time. */
const SETTLES_MS = 500;

export class QuarantineWatch {
  readonly #executed = new Set<string>();
  /** When its client was first told that it is rejected, or held and not released yet. */
  readonly #quarantinedAt = new Map<string, number>();
  readonly #isReleased = new Set<string>();
  readonly executionsAfterRejection: RequestId[] = [];

  executed(requestId: RequestId, now: number): void {
    this.#executed.add(requestId);
    const at = this.#quarantinedAt.get(requestId);
    if (at !== undefined && now > at + SETTLES_MS) this.executionsAfterRejection.push(requestId);
  }

  held(requestId: string, now: number): void {
    if (!this.#isReleased.has(requestId) && !this.#quarantinedAt.has(requestId))
      this.#quarantinedAt.set(requestId, now);
  }

  /** Somebody has ordered it. */
  released(requestId: string): void {
    this.#isReleased.add(requestId);
    this.#quarantinedAt.delete(requestId);
  }

  /** True when it had been executed. */
  rejected(requestId: string, now: number): boolean {
    this.#quarantinedAt.set(requestId, now);
    return this.#executed.has(requestId);
  }
}
