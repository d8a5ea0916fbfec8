/**
 * The way of one request through L3, as a state machine with a total transition table (STYLE rule 7).
 *
 *   checking ─unknown→ waiting ─dispatched→ running ─released→ ended
 *                         ↑                   │ failed, lost
 *                         │                   ↓
 *                         ├──deadInnocent── doomed ─survived→ surviving ─verified→ fetching ─replied→ ended
 *                         │                   │ deadBlamed
 *                         └──innocent─── shadowing ─malformed→ closing ─closed→ ended
 *                                           ↑ suspended    │ held
 *                                             (from waiting)└─→ ended (in L1, until a person or its time decides)
 *
 * A second attempt starts only after the first is dead for ever (settlement; a read may be made again at any time, also
 * from `fetching`), and a definite rejection leaves only after
 * the masters closed the id. Masters' decisions (`verified`, `closed`) win in every state.
 */
export const REQUEST_STATES = [
  /** Masters are asked whether the id has an outcome that this regulator does not remember. */
  "checking",
  /** Ready to be dispatched; waits for a settled domain, a live holder or room at it. */
  "waiting",
  /** An attempt is out; answers are collected. */
  "running",
  /** The attempt failed or lost its epoch; a new epoch's settlement says what became of its change. */
  "doomed",
  /** The settlement kept the change: it waits for verdicts and the masters' decision. */
  "surviving",
  /** The attempt is dead; a shadow run decides who was at fault. */
  "shadowing",
  /** The request is condemned; the masters are asked to close its id. */
  "closing",
  /** Verified; the text of its reply is fetched from the members. */
  "fetching",
  "ended",
] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

export const REQUEST_EVENTS = [
  "unknown",
  "dispatched",
  "released",
  "failed",
  "lost",
  /** A read-only attempt that cannot be confirmed any more, or whose reply nobody has: it has no effects to wait for. */
  "superseded",
  "deadInnocent",
  "deadBlamed",
  "deadCondemned",
  "survived",
  "innocent",
  "malformed",
  /** The acceptance test is the suspect: it is tried in a shadow run before its attempt. */
  "suspended",
  "verified",
  "closed",
  /** Condemned, and held for a person instead of closed. */
  "held",
  "replied",
] as const;
export type RequestEvent = (typeof REQUEST_EVENTS)[number];

type Row = Readonly<Record<RequestEvent, RequestState>>;

/** A cell equal to its own row's state means: nothing happens. */
export const TRANSITIONS: Readonly<Record<RequestState, Row>> = {
  checking: {
    unknown: "waiting",
    dispatched: "checking",
    released: "checking",
    failed: "checking",
    lost: "checking",
    superseded: "checking",
    deadInnocent: "checking",
    deadBlamed: "checking",
    deadCondemned: "checking",
    survived: "surviving",
    innocent: "checking",
    malformed: "checking",
    suspended: "checking",
    verified: "fetching",
    closed: "ended",
    held: "checking",
    replied: "checking",
  },
  waiting: {
    unknown: "waiting",
    dispatched: "running",
    released: "waiting",
    failed: "waiting",
    lost: "waiting",
    superseded: "waiting",
    deadInnocent: "waiting",
    deadBlamed: "waiting",
    deadCondemned: "waiting",
    survived: "surviving",
    innocent: "waiting",
    malformed: "closing",
    suspended: "shadowing",
    verified: "fetching",
    closed: "ended",
    held: "waiting",
    replied: "waiting",
  },
  running: {
    unknown: "running",
    dispatched: "running",
    released: "ended",
    failed: "doomed",
    lost: "doomed",
    superseded: "waiting",
    deadInnocent: "waiting",
    deadBlamed: "shadowing",
    deadCondemned: "closing",
    survived: "surviving",
    innocent: "running",
    malformed: "running",
    suspended: "running",
    verified: "fetching",
    closed: "ended",
    held: "running",
    replied: "running",
  },
  doomed: {
    unknown: "doomed",
    dispatched: "doomed",
    released: "ended",
    failed: "doomed",
    lost: "doomed",
    superseded: "doomed",
    deadInnocent: "waiting",
    deadBlamed: "shadowing",
    deadCondemned: "closing",
    survived: "surviving",
    innocent: "doomed",
    malformed: "doomed",
    suspended: "doomed",
    verified: "fetching",
    closed: "ended",
    held: "doomed",
    replied: "doomed",
  },
  surviving: {
    unknown: "surviving",
    dispatched: "surviving",
    released: "ended",
    failed: "doomed",
    lost: "surviving",
    superseded: "surviving",
    deadInnocent: "waiting",
    deadBlamed: "shadowing",
    deadCondemned: "closing",
    survived: "surviving",
    innocent: "surviving",
    malformed: "surviving",
    suspended: "surviving",
    verified: "fetching",
    closed: "ended",
    held: "surviving",
    replied: "surviving",
  },
  shadowing: {
    unknown: "shadowing",
    dispatched: "shadowing",
    released: "shadowing",
    failed: "shadowing",
    lost: "shadowing",
    superseded: "shadowing",
    deadInnocent: "shadowing",
    deadBlamed: "shadowing",
    deadCondemned: "shadowing",
    survived: "surviving",
    innocent: "waiting",
    malformed: "closing",
    suspended: "shadowing",
    verified: "fetching",
    closed: "ended",
    held: "shadowing",
    replied: "shadowing",
  },
  closing: {
    unknown: "closing",
    dispatched: "closing",
    released: "closing",
    failed: "closing",
    lost: "closing",
    superseded: "closing",
    deadInnocent: "closing",
    deadBlamed: "closing",
    deadCondemned: "closing",
    survived: "closing",
    innocent: "closing",
    malformed: "closing",
    suspended: "closing",
    verified: "fetching",
    closed: "ended",
    held: "ended",
    replied: "closing",
  },
  fetching: {
    unknown: "fetching",
    dispatched: "fetching",
    released: "fetching",
    failed: "fetching",
    lost: "fetching",
    superseded: "waiting",
    deadInnocent: "fetching",
    deadBlamed: "fetching",
    deadCondemned: "fetching",
    survived: "fetching",
    innocent: "fetching",
    malformed: "fetching",
    suspended: "fetching",
    verified: "fetching",
    closed: "fetching",
    held: "fetching",
    replied: "ended",
  },
  ended: {
    unknown: "ended",
    dispatched: "ended",
    released: "ended",
    failed: "ended",
    lost: "ended",
    superseded: "ended",
    deadInnocent: "ended",
    deadBlamed: "ended",
    deadCondemned: "ended",
    survived: "ended",
    innocent: "ended",
    malformed: "ended",
    suspended: "ended",
    verified: "ended",
    closed: "ended",
    held: "ended",
    replied: "ended",
  },
};

export const nextState = (state: RequestState, event: RequestEvent): RequestState => TRANSITIONS[state][event];
