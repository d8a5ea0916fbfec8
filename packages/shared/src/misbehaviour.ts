/**
 * Words for what a server did that no right one does, as members and regulator report it and as people read it. A word says
 * what was seen, not who is guilty: conviction has rules of its own (docs/PROTOCOL.md §6).
 */
export const misbehaviourActs = [
  /** Two different changes for one ticket. */
  "equivocation",
  /** A change that reached some members only, although the others were in hearing. */
  "partial-multicast",
  /** A version that does not continue the newest one, or names one that nobody has. */
  "version-jump",
  /** A read of, or a write on, a version older than the newest. */
  "rollback",
  /** A version under a number and epoch that is stored already. */
  "overwrite",
  /** A change in object clusters that another server holds, or held after it. */
  "foreign-lease",
  /** The ticket of another server. */
  "foreign-ticket",
  /** No genuine ticket at all; told in multiples of {@link FORGED_TICKETS_ALARM}. */
  "forged-ticket",
  "read-outside-scope",
  "write-outside-scope",
  /** A request that is recorded already, again and again. */
  "replayed-request",
  "malformed",
  /** Far more messages than its tickets explain. */
  "flood",
  /** A reply or result nobody asked this server for. */
  "fabricated-reply",
  /** Another client's confidential text, told in parts by several replies. */
  "leak-in-parts",
  /** A verdict from an acceptance test server that was not designated for the request. */
  "duplicate-reply",
  /** A tester's verdict on a change, against those of t+1 others; an acceptance test server's, against a majority of them. */
  "false-verdict",
  /** A tester that passes what t+1 others fail for an access they logged. */
  "omitted-log",
  /** A tester that holds the change, answers, and gives no verdict while others do; told only when it goes on. */
  "withheld-verdict",
  /** A member's text of a reply that is not the one whose digest it names, or not the one that t+1 members name. */
  "forged-reply",
  /** A member's answer that is not what the execution server signed. */
  "contradicts-signature",
  /** A member's checksum of what it stores is not the masters': its copy is damaged, or it lies. */
  "corrupt-copy",
  /** A member's list of undecided changes that no right member can have. */
  "impossible-list",
] as const;

export type MisbehaviourAct = (typeof misbehaviourActs)[number];

/** Messages without a genuine ticket before a member raises the alarm, and between two alarms (REQUIREMENTS A21, U48). */
export const FORGED_TICKETS_ALARM = 8;
