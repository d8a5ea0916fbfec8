/**
 * Ends workers that compute although no request is inside them: threads or timers that a request has left behind would
 * otherwise live on the machine's time (REQUIREMENTS A19). Within a request, time is bounded by its deadline. Looks at what
 * the kernel counted, so nothing in the worker's memory can hide it; what stays below a twentieth of a core is not noticed.
 */
import { readFileSync } from "node:fs";

const LOOK_MS = 1_000;
/** Share of one core, in so many intervals one after the other: on a busy machine one that never rests gets no more. */
const SHARE_MAX = 0.05;
const INTERVALS_MAX = 4;
/** Of the times in /proc, in every build of Linux for user programs. */
const TICKS_PER_SECOND = 100;

interface Watched {
  readonly worker: { readonly pid: number | undefined };
  readonly running: ReadonlyMap<string, unknown>;
  readonly ready: boolean;
}

interface Look {
  readonly atMs: number;
  readonly usedMs: number;
  readonly busyIntervals: number;
}

/** CPU time of a process with all its threads so far, milliseconds; undefined when it is gone or cannot be looked at. */
export function processCpuMs(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
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
      const usedMs = member.ready && member.worker.pid !== undefined ? processCpuMs(member.worker.pid) : undefined;
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
