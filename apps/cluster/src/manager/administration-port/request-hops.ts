/**
 * A request's hops as the regulator remembers them, told in words: attempts, tests, answers. Pure. What the regulator does
 * not remember is left out here; request-history.ts says what is not known.
 */
import type { AttributionRun, RequestHop, RequestTraceSeen, Verdict } from "@redoubt/shared";
import { checkTitle } from "@redoubt/shared";
import type {
  HopTone,
  RequestAnswer,
  RequestAttempt,
  RequestHopTold,
  RequestTest,
} from "../../administration/index.ts";

export interface HopNames {
  readonly regulator: string;
  readonly client: string;
}

interface Words {
  readonly server: string;
  readonly event: string;
  readonly detail: string;
  readonly attempt?: number | null;
  readonly tone?: HopTone;
}

export const timeAt = ({ since }: RequestTraceSeen, ms: number): string => new Date(since + ms).toISOString();

/** What each state of the regulator's table means; states that another hop tells better are left out. */
const STATES: Readonly<Record<string, readonly [event: string, detail: string, tone: HopTone]>> = {
  checking: ["looked up", "asks the masters whether this id had an outcome before", "plain"],
  waiting: ["waiting in L3", "for its domain to be settled and its execution server to have room", "plain"],
  doomed: ["attempt given up", "a new epoch's settlement will say what became of its change", "warn"],
  surviving: ["change survived", "the settlement kept it: verdicts and the masters' decision are awaited", "plain"],
  shadowing: [
    "who was at fault?",
    "the change is dead; the request runs again alone elsewhere, its result discarded",
    "warn",
  ],
  closing: ["condemned", "the masters are asked to close its id, unless it is held for a person", "bad"],
  fetching: ["reply fetched", "verified already; members are asked for the reply's text", "plain"],
};

export function hopsOf(trace: RequestTraceSeen, names: HopNames): RequestHopTold[] {
  return trace.hops.flatMap((hop) => {
    const words = wordsOf(hop, names);
    if (words === undefined) return [];
    const { server, event, detail, attempt = null, tone = "plain" } = words;
    return [{ at: timeAt(trace, hop.ms), ms: hop.ms, server, event, detail, attempt, tone }];
  });
}

function wordsOf(hop: RequestHop, { regulator, client }: HopNames): Words | undefined {
  switch (hop.kind) {
    case "restored":
      return {
        server: regulator,
        event: "restored",
        detail: "the regulator had restarted and read it from its journal",
      };
    case "entered": {
      const [event, detail, tone] = STATES[hop.state] ?? [];
      if (event === undefined || detail === undefined || tone === undefined) return undefined;
      return { server: regulator, event, detail, tone };
    }
    case "dispatched":
      return {
        ...{ server: hop.server, event: "dispatched", attempt: hop.attempt },
        detail: `attempt ${hop.attempt} in epoch ${hop.epoch}${hop.alone ? ", in a worker of its own" : ""}; to be tested by ${hop.testers.join(", ")}`,
      };
    case "acknowledged":
      return {
        ...{ server: hop.server, attempt: hop.attempt, ...judged(hop.verdict) },
        event: `${hop.durable ? "stored" : "confirmed"}${hop.verdict ? `, test ${VERDICTS[hop.verdict.kind]}` : ""}`,
        detail: `${hop.durable ? "change" : "reading"} ${hop.change}…${hop.durable ? " is durable" : ""}${verdictWords(hop.verdict)}`,
      };
    case "tested":
      return {
        ...{ server: hop.server, event: "tested", attempt: hop.attempt, ...judged(hop.verdict) },
        detail: verdictWords(hop.verdict).slice(2),
      };
    case "failed":
      return {
        ...{ server: hop.server, event: "failed", attempt: hop.attempt, tone: "bad" },
        detail: `${hop.detector.replaceAll("-", " ")}, check “${checkTitle(hop.check)}”: ${hop.detail}`,
      };
    case "shadowStarted":
      return {
        ...{ server: hop.server, event: "shadow run", attempt: hop.attempt },
        detail: `alone in a fresh worker; tested by ${hop.testers.join(", ")}`,
      };
    case "shadowTested":
      return {
        ...{ server: hop.server, event: "shadow run tested", attempt: hop.attempt, ...judged(hop.verdict) },
        detail: verdictWords(hop.verdict).slice(2),
      };
    case "shadowEnded":
      return {
        ...{ server: hop.server, event: "shadow run judged", attempt: hop.attempt },
        ...{ tone: hop.judgement === "malformed" ? "bad" : hop.judgement === "innocent" ? "good" : "warn" },
        detail: [JUDGEMENTS[hop.judgement], hop.detail].filter((text) => text !== "").join(": "),
      };
    case "convicted":
      return { server: hop.server, event: "convicted", detail: hop.evidence, tone: "bad" };
    case "decided":
      return {
        ...{ server: "state masters", event: hop.decision, attempt: hop.attempt },
        tone: hop.decision === "verified" ? "good" : "bad",
        detail: hop.decision === "verified" ? "decided for ever" : "no change of this id can be verified any more",
      };
    case "repeated":
      return { server: client, event: "repeated", detail: "the same request came again with its key" };
    case "answered":
      return {
        ...{ server: regulator, event: "answered", detail: `${hop.status}, ${answerWords(hop)}` },
        tone: hop.status < 400 ? "good" : hop.status < 500 && hop.because !== "closed" ? "plain" : "bad",
      };
  }
}

const VERDICTS = { pass: "passed", fail: "failed", unable: "could not run" } as const;

const JUDGEMENTS = {
  innocent: "it passed here: whoever failed with it was at fault",
  malformed: "it failed here too",
  untestable: "the acceptance test ended on it",
  inconclusive: "says nothing about the request",
} as const;

const REASONS = {
  "all-members": "released: t+1 passes, and every member holds the change",
  masters: "released: the masters decided",
  closed: "rejected: the masters closed its id",
  expired: "its key is older than the window",
  patience: "the client had waited long enough; the request goes on",
  logged: "the logged answer again",
  held: "held for a person: the same key gets this answer until it is released or rejected",
  withheld: "not carried out: the acceptance test is the suspect, and the same key is served when it is right again",
} as const;

function answerWords({ because, exchanges, repeated }: Extract<RequestHop, { kind: "answered" }>): string {
  if (because === "logged" || because === "patience") return REASONS[because];
  const whom = exchanges === 0 ? "; nobody waited for it any more" : exchanges > 1 ? `; to ${exchanges} waiting` : "";
  return `${REASONS[because]}${whom}${repeated > 0 ? `, ${repeated} of them repeated` : ""}`;
}

const judged = (verdict: Verdict | undefined): { tone?: HopTone } =>
  verdict === undefined ? {} : { tone: verdict.kind === "pass" ? "good" : verdict.kind === "fail" ? "bad" : "warn" };

function verdictWords(verdict: Verdict | undefined): string {
  switch (verdict?.kind) {
    case "pass":
      return "; its acceptance test passed";
    case "fail":
      return `; its acceptance test failed “${checkTitle(verdict.check)}”: ${verdict.detail}`;
    case "unable":
      return `; its acceptance test could not run: ${verdict.detail}`;
    default:
      return "";
  }
}

/** One run of an attribution's evidence, which outlives the regulator's memory. */
export function attemptOf(run: AttributionRun): RequestAttempt {
  const { attempt, kind, server, at, epoch, members, acceptance, outcome, check, detail } = run;
  const failed = outcome === "failed";
  return {
    ...{ number: attempt, kind: kind === "shadow-run" ? "shadow run" : "attempt", executionServer: server },
    ...{ at: new Date(at).toISOString(), ms: null, epoch, alone: kind === "shadow-run" },
    testers: [...members, ...acceptance].flatMap((voice) => (voice.verdict === null ? [] : [voice.server])),
    members: members.map((voice) => voice.server),
    outcome: failed ? `failed “${checkTitle(check)}”` : outcome === "inside" ? "ran in a process that ended" : outcome,
    tone: failed ? "bad" : outcome === "passed" ? "good" : "warn",
    failure: failed ? { detector: "", check, detail } : null,
  };
}

export function attemptsOf(trace: RequestTraceSeen): RequestAttempt[] {
  const attempts = new Map<number, RequestAttempt>();
  for (const hop of trace.hops) {
    if (hop.kind === "dispatched" || hop.kind === "shadowStarted") attempts.set(hop.attempt, beginning(trace, hop));
    else follow(attempts, hop);
  }
  return [...attempts.values()];
}

function beginning(
  trace: RequestTraceSeen,
  hop: Extract<RequestHop, { kind: "dispatched" | "shadowStarted" }>,
): RequestAttempt {
  const isShadow = hop.kind === "shadowStarted";
  return {
    number: hop.attempt,
    kind: isShadow ? "shadow run" : "attempt",
    executionServer: hop.server,
    at: timeAt(trace, hop.ms),
    ms: hop.ms,
    epoch: isShadow ? null : hop.epoch,
    testers: [...hop.testers],
    members: isShadow ? [] : [...hop.members],
    alone: isShadow || hop.alone,
    outcome: "under way",
    tone: "plain",
    failure: null,
  };
}

/** What became of the attempt that the hop is about; the newest word counts. */
function follow(attempts: Map<number, RequestAttempt>, hop: RequestHop): void {
  const last = [...attempts.values()].findLast(({ kind }) => kind === "attempt");
  const set = (attempt: RequestAttempt | undefined, outcome: string, tone: HopTone): void => {
    if (attempt) Object.assign(attempt, { outcome, tone });
  };
  switch (hop.kind) {
    case "failed": {
      const attempt = attempts.get(hop.attempt);
      set(attempt, `failed “${checkTitle(hop.check)}”`, "bad");
      const { detector, check, detail } = hop;
      if (attempt) attempt.failure = { detector, check, detail };
      return;
    }
    case "shadowEnded":
      set(
        attempts.get(hop.attempt),
        hop.judgement === "malformed" ? "failed too" : hop.judgement === "innocent" ? "passed" : hop.judgement,
        hop.judgement === "malformed" ? "bad" : hop.judgement === "innocent" ? "good" : "warn",
      );
      return;
    case "entered":
      if (hop.because === "lost" && last?.outcome === "under way")
        set(last, "lost with its server or epoch, nobody blamed", "warn");
      if (hop.because === "superseded") set(last, "superseded: a read is made again", "plain");
      return;
    case "decided":
      if (hop.decision === "verified" && hop.attempt !== null) set(attempts.get(hop.attempt), "verified", "good");
      return;
    case "answered":
      if (hop.because === "all-members" && last?.outcome === "under way") set(last, "released", "good");
  }
}

export function testsOf(trace: RequestTraceSeen): RequestTest[] {
  return trace.hops.flatMap((hop): RequestTest[] => {
    if (hop.kind !== "acknowledged" && hop.kind !== "tested" && hop.kind !== "shadowTested") return [];
    const { verdict, attempt, server, ms } = hop;
    if (verdict === undefined) return [];
    return [
      {
        ...{ attempt, server, ms, kind: hop.kind === "shadowTested" ? "shadow run" : "attempt" },
        verdict: VERDICTS[verdict.kind],
        check: verdict.kind === "fail" ? verdict.check : null,
        detail: verdict.kind === "pass" ? null : verdict.detail,
      },
    ];
  });
}

export function answersOf(trace: RequestTraceSeen): RequestAnswer[] {
  return trace.hops.flatMap((hop) => {
    if (hop.kind !== "answered") return [];
    const { ms, status, exchanges, repeated } = hop;
    return [{ at: timeAt(trace, ms), ms, status, exchanges, repeated, why: REASONS[hop.because] }];
  });
}
