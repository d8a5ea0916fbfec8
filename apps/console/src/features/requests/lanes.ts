/** Who did what while a request was under way: a lane for each server, with spans and marks on the regulator's clock. Pure. */
import type { RequestHop } from "@redoubt/shared";
import { phaseOfState, phaseTitles } from "./phases.ts";

export type MarkLook = "good" | "bad" | "warn" | "plain";

export interface Span {
  fromMs: number;
  toMs: number;
  look: "work" | "wait" | "shadow";
  /** Failed, or lost. */
  isBad: boolean;
  title: string;
}

export interface Mark {
  atMs: number;
  look: MarkLook;
  title: string;
}

export interface Lane {
  name: string;
  spans: Span[];
  marks: Mark[];
}

/** `overMs`: where spans end that nothing ends. */
export function lanesOf(hops: readonly RequestHop[], overMs: number, isUnderWay: boolean): Lane[] {
  const drawing = new Drawing(overMs);
  drawing.start("client", "client", { fromMs: 0, look: "wait", title: "Waited for its answer" });
  for (const hop of hops) drawing.take(hop);
  return drawing.finished(isUnderWay);
}

const order = ["client", "traffic-regulator", "execution-server", "state-replica", "acceptance-test-server"];
const shortMs = (ms: number) => (ms < 10 ? ms.toFixed(1) : ms.toFixed(0));

class Drawing {
  readonly #overMs: number;
  readonly #lanes = new Map<string, Lane>();
  readonly #open = new Map<string, Span>();
  readonly #dispatchedAt = new Map<number, number>();

  constructor(overMs: number) {
    this.#overMs = overMs;
  }

  take(hop: RequestHop): void {
    switch (hop.kind) {
      case "entered":
        this.#enter(hop);
        return;
      case "dispatched":
      case "shadowStarted":
        this.#begin(hop);
        return;
      case "acknowledged":
        this.#acknowledge(hop);
        return;
      case "tested":
        this.#mark(hop.server, hop.ms, lookOf(hop.verdict.kind), `Acceptance test ${verdictWords[hop.verdict.kind]}`);
        return;
      case "shadowTested": {
        const title = `Shadow run ${hop.attempt}: its test ${verdictWords[hop.verdict.kind]}`;
        this.#mark(hop.server, hop.ms, lookOf(hop.verdict.kind), title);
        return;
      }
      case "failed":
        this.#finish(`attempt ${hop.attempt}`, hop.ms, true);
        this.#mark(hop.server, hop.ms, "bad", `Attempt ${hop.attempt} failed`);
        return;
      case "shadowEnded":
        this.#finish(`attempt ${hop.attempt}`, hop.ms, hop.judgement === "malformed");
        return;
      case "convicted":
        this.#mark(hop.server, hop.ms, "bad", "Convicted");
        return;
      case "decided":
        this.#mark("state masters", hop.ms, hop.decision === "verified" ? "good" : "bad", `Decided: ${hop.decision}`);
        return;
      case "answered":
        this.#answer(hop);
        return;
      case "restored":
        this.#mark("traffic-regulator", hop.ms, "warn", "The regulator restarted");
        return;
      default:
    }
  }

  #enter({ state, because, ms }: Extract<RequestHop, { kind: "entered" }>): void {
    this.#finish("regulator", ms);
    const phase = phaseOfState[state];
    if (phase !== undefined)
      this.start("traffic-regulator", "regulator", { fromMs: ms, look: "wait", title: phaseTitles[phase] });
    if (because !== "lost" && because !== "superseded") return;
    for (const attempt of this.#dispatchedAt.keys()) this.#finish(`attempt ${attempt}`, ms, true);
  }

  #begin(hop: Extract<RequestHop, { kind: "dispatched" | "shadowStarted" }>): void {
    const { attempt, server, ms } = hop;
    if (hop.kind === "shadowStarted") {
      this.start(server, `attempt ${attempt}`, { fromMs: ms, look: "shadow", title: `Shadow run ${attempt}` });
      return;
    }
    this.#dispatchedAt.set(attempt, ms);
    const title = `Attempt ${attempt}, until the first member answered`;
    this.start(server, `attempt ${attempt}`, { fromMs: ms, look: "work", title });
  }

  #acknowledge(hop: Extract<RequestHop, { kind: "acknowledged" }>): void {
    const { attempt, server, ms, verdict } = hop;
    this.#finish(`attempt ${attempt}`, ms);
    const fromMs = this.#dispatchedAt.get(attempt);
    if (fromMs !== undefined) {
      const title = `Since the dispatch, ${shortMs(ms - fromMs)} ms`;
      this.#lane(server).spans.push({ fromMs, toMs: ms, look: "wait", isBad: false, title });
    }
    this.#mark(server, ms, lookOf(verdict?.kind), ackTitle(hop));
  }

  #answer({ ms, status, because }: Extract<RequestHop, { kind: "answered" }>): void {
    if (because !== "patience") this.#finish("client", ms, status >= 400);
    const look = status < 400 ? "good" : because === "patience" ? "warn" : "bad";
    this.#mark("client", ms, look, `Answered ${status}`);
  }

  start(lane: string, key: string, span: Omit<Span, "toMs" | "isBad">): void {
    const started = { ...span, toMs: Math.max(this.#overMs, span.fromMs), isBad: false };
    this.#open.set(key, started);
    this.#lane(lane).spans.push(started);
  }

  #finish(key: string, atMs: number, isBad = false): void {
    const span = this.#open.get(key);
    if (span === undefined) return;
    this.#open.delete(key);
    const title = `${span.title}, ${shortMs(atMs - span.fromMs)} ms`;
    Object.assign(span, { toMs: atMs, isBad, title });
  }

  #mark(lane: string, atMs: number, look: MarkLook, title: string): void {
    this.#lane(lane).marks.push({ atMs, look, title: `${title}, at ${shortMs(atMs)} ms` });
  }

  #lane(name: string): Lane {
    const lane = this.#lanes.get(name) ?? { name, spans: [], marks: [] };
    this.#lanes.set(name, lane);
    return lane;
  }

  /** Client and regulator first, then execution servers, then whoever stores and tests, then the masters. */
  finished(isUnderWay: boolean): Lane[] {
    if (isUnderWay) for (const span of this.#open.values()) span.title = `${span.title}, under way`;
    const rank = ({ name }: Lane) => {
      const place = order.findIndex((beginning) => name.startsWith(beginning));
      return place < 0 ? order.length : place;
    };
    return [...this.#lanes.values()].sort(
      (one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name, "en", { numeric: true }),
    );
  }
}

const lookOf = (verdict: "pass" | "fail" | "unable" | undefined): MarkLook =>
  verdict === undefined ? "plain" : verdict === "pass" ? "good" : verdict === "fail" ? "bad" : "warn";

const verdictWords = { pass: "passed", fail: "failed", unable: "could not run" } as const;

const ackTitle = ({ durable, verdict }: Extract<RequestHop, { kind: "acknowledged" }>): string =>
  `${durable ? "Stored durably" : "Confirmed"}${verdict === undefined ? "" : `; its test ${verdictWords[verdict.kind]}`}`;
