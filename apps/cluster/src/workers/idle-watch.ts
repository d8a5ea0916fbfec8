/**
 * Ends workers that compute although no request is inside them: threads or timers that a request has left behind would
 * otherwise live on the machine's time (REQUIREMENTS A19). Within a request, time is bounded by its deadline. Looks at what
 * the kernel counted, so nothing in the worker's memory can hide it; what stays below a twentieth of a core is not noticed.
 */

const LOOK_MS = 1_000;
/** Share of one core, in so many intervals one after the other: on a busy machine one that never rests gets no more. */
const SHARE_MAX = 0.05;
const INTERVALS_MAX = 4;

interface Watched {
  /** CPU time of its process with all threads so far. */
  readonly worker: { cpuMs(): number | undefined };
  readonly running: ReadonlyMap<string, unknown>;
  readonly ready: boolean;
}

interface Look {
  readonly atMs: number;
  readonly usedMs: number;
  readonly busyIntervals: number;
}

export class IdleWatch<Member extends Watched> {
  readonly #members: () => readonly Member[];
  readonly #onBusy: (member: Member, detail: string) => void;
  readonly #timer: NodeJS.Timeout;
  #looks = new Map<Member, Look>();

  constructor(members: () => readonly Member[], onBusy: (member: Member, detail: string) => void) {
    this.#members = members;
    this.#onBusy = onBusy;
    this.#timer = setInterval(() => this.#look(performance.now()), LOOK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(atMs: number): void {
    const looks = new Map<Member, Look>();
    const busy: Member[] = [];
    for (const member of this.#members()) {
      const usedMs = member.ready ? member.worker.cpuMs() : undefined;
      // Whatever a request does is its deadline's business: counting begins anew after it.
      if (usedMs === undefined || member.running.size > 0) continue;
      const last = this.#looks.get(member);
      const isBusy = last !== undefined && usedMs - last.usedMs > SHARE_MAX * (atMs - last.atMs);
      const busyIntervals = isBusy ? last.busyIntervals + 1 : 0;
      if (busyIntervals >= INTERVALS_MAX) busy.push(member);
      else looks.set(member, { atMs, usedMs, busyIntervals });
    }
    this.#looks = looks;
    for (const member of busy) this.#onBusy(member, "it computes although no request is inside");
  }
}
