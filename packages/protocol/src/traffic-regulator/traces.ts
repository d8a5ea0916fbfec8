/**
 * What happened to single requests, for the console's page of one request. Nothing is decided by it, so nothing of it is
 * journalled: it is a memory of the newest requests, bounded in requests, in hops of each and in characters of each hop. Those that
 * went wrong are kept apart, so that good ones under load do not wash them out.
 */
import type { RequestEventSeen, RequestHop, RequestId, RequestTraceSeen, Verdict } from "@redoubt/shared";

/** Of the newest requests that went well, and of the newest that did not. */
const QUIET_MAX = 2_000;
const REMARKABLE_MAX = 1_000;
const HOPS_MAX = 96;
/** The last hops say how it ended: as many are kept whatever came before. */
const LAST_HOPS_KEPT = 16;
const TEXT_MAX = 240;

/** Kinds that make a request worth keeping longer. */
const REMARKABLE: ReadonlySet<RequestEventSeen["kind"]> = new Set([
  "failed",
  "shadowStarted",
  "shadowEnded",
  "convicted",
]);

export class RequestTrace {
  readonly since: number;
  readonly #host: string;
  readonly #startedAt: number;
  readonly #hops: RequestHop[] = [];
  #omitted = 0;
  isRemarkable = false;

  /** `wall` and `now` of the same moment. */
  constructor(host: string, wall: number, now: number) {
    this.#host = host;
    this.since = Math.trunc(wall);
    this.#startedAt = now;
  }

  add(now: number, event: RequestEventSeen): void {
    if (REMARKABLE.has(event.kind)) this.isRemarkable = true;
    if (this.#hops.length >= HOPS_MAX) {
      this.#hops.splice(HOPS_MAX - LAST_HOPS_KEPT, 1);
      this.#omitted++;
    }
    this.#hops.push({ ...bounded(event), ms: Math.round((now - this.#startedAt) * 1_000) / 1_000 });
  }

  get seen(): RequestTraceSeen {
    return { since: this.since, host: this.#host, hops: this.#hops.slice(), omitted: this.#omitted };
  }
}

/** Texts in hops come from servers that may be faulty. */
function bounded(event: RequestEventSeen): RequestEventSeen {
  switch (event.kind) {
    case "failed":
      return { ...event, check: cut(event.check), detail: cut(event.detail) };
    case "shadowEnded":
      return { ...event, detail: cut(event.detail) };
    case "convicted":
      return { ...event, evidence: cut(event.evidence) };
    case "acknowledged":
      return event.verdict ? { ...event, verdict: boundedVerdict(event.verdict) } : event;
    case "tested":
    case "shadowTested":
      return { ...event, verdict: boundedVerdict(event.verdict) };
    default:
      return event;
  }
}

function boundedVerdict(verdict: Verdict): Verdict {
  switch (verdict.kind) {
    case "fail":
      return { kind: "fail", check: cut(verdict.check), detail: cut(verdict.detail) };
    case "unable":
      return { kind: "unable", detail: cut(verdict.detail) };
    default:
      return verdict;
  }
}

const cut = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);

/** Traces of requests that have left L3. */
export class Traces {
  readonly #quiet = new Map<RequestId, RequestTrace>();
  readonly #remarkable = new Map<RequestId, RequestTrace>();

  keep(requestId: RequestId, trace: RequestTrace): void {
    const [traces, max] = trace.isRemarkable
      ? ([this.#remarkable, REMARKABLE_MAX] as const)
      : ([this.#quiet, QUIET_MAX] as const);
    traces.set(requestId, trace);
    if (traces.size <= max) return;
    const [oldest] = traces.keys();
    if (oldest !== undefined) traces.delete(oldest);
  }

  of(requestId: RequestId): RequestTrace | undefined {
    return this.#remarkable.get(requestId) ?? this.#quiet.get(requestId);
  }
}
