/**
 * Attempts in the workers of an execution server on their way to the manager: equal ones are counted together, and however
 * many there are, a report is bounded. The first of them does not wait for the next report.
 */
import { ATTEMPTS_PER_REPORT_MAX, type AttemptReport } from "@redoubt/shared";
import type { WorkerAttempt } from "../workers/index.ts";

/** Between reports that attempts have hastened. */
const HASTE_MS = 200;
const COUNT_MAX = 1_000_000;

export class AttemptReports {
  readonly #hasten: () => void;
  #waiting = new Map<string, AttemptReport>();
  #timer: NodeJS.Timeout | undefined;

  /** @param hasten makes the next report come now */
  constructor(hasten: () => void) {
    this.#hasten = hasten;
  }

  note(attempt: WorkerAttempt): void {
    const { act, target, witness, operation, requestId } = attempt;
    const key = [act, target, witness, operation, requestId].join("\n");
    const count = (this.#waiting.get(key)?.count ?? 0) + 1;
    if (count > COUNT_MAX || (count === 1 && this.#waiting.size >= ATTEMPTS_PER_REPORT_MAX)) return;
    this.#waiting.set(key, { ...attempt, at: Date.now(), count });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#waiting.size > 0) this.#hasten();
    }, HASTE_MS);
  }

  /** What has come since the last call. */
  take(): readonly AttemptReport[] {
    const taken = [...this.#waiting.values()];
    this.#waiting = new Map();
    return taken;
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
