/**
 * How much an execution server may send to this member (REQUIREMENTS R47, U48): a budget for each genuine ticket, and a token
 * bucket of its certificate for what is under no ticket this member has seen. What its tickets allow is of no use there, or
 * a server that has served many requests could send ten thousands of messages about nothing. An honest server is far below
 * all of it, also when it repeats everything because this member was away. What is beyond is dropped before anything is
 * computed for it, so that a flooder starves itself; much of it is told to the regulator, which discards the server when
 * t+1 members say so.
 */
import {
  isRequestId,
  type RequestId,
  type ServerName,
  type TicketBody,
  type ToStateReplica,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { trimOldest } from "../recent.ts";
import { TokenBucket } from "../token-bucket.ts";
import type { Replica, Turn } from "./context.ts";
import { reportRefusal } from "./refusals.ts";

/** Messages under one ticket: an honest server asks ten times a second at most and sends its change five times. */
const PER_TICKET = { capacity: 64, perSecond: 20 };
/** And for each object cluster it declares: large objects are asked for one by one. */
const PER_TICKET_AND_CLUSTER = 32;
/** Per certificate, without a ticket: the evidence over changes, the first message of each ticket, forged ones. */
const PER_SENDER = { capacity: 512, perSecond: 200 };
/** A genuine ticket gives back its first message, and allows one of evidence over its change. */
const BACK_PER_TICKET = 2;
const SENDER_LEVEL_MAX = 1_024;
/** What all tickets of one certificate allow together. */
const TICKETS_LEVEL_MAX = 65_536;
const NOTHING = { capacity: 0, perSecond: 0 };
/** Given back for what cannot be judged yet: more than an honest server sends while a key is on its way. */
const GIVEN_BACK = { capacity: 16_384, perSecond: 4_096 };
const SENDERS_MAX = 1_024;
const TICKETS_MAX = 16_384;
/** Dropped within one second before it is told: less may be a jam that cleared. */
const TOLD_AT = 64;
const WINDOW_MS = 1_000;

interface Sender {
  readonly bucket: TokenBucket;
  /** Filled by genuine tickets, for messages under them. */
  readonly underTickets: TokenBucket;
  readonly givenBack: TokenBucket;
  since: number;
  dropped: number;
  told: boolean;
}

export type BudgetDecision = "pass" | "drop" | "tell";

export class Budgets {
  readonly #senders = new Map<ServerName, Sender>();
  readonly #tickets = new Map<string, TokenBucket>();

  /** Before a message is looked at. `tell`: it is dropped, and the regulator should know. */
  take(from: ServerName, body: Pick<TicketBody, "requestId" | "attempt"> | undefined, { now }: Turn): BudgetDecision {
    const sender = this.#senderOf(from, now);
    const ticket = body && this.#tickets.get(nameOf(from, body));
    const isWithin = ticket
      ? ticket.take(now) && (sender.underTickets.take(now) || sender.bucket.take(now))
      : sender.bucket.take(now);
    if (isWithin) return "pass";
    if (now - sender.since >= WINDOW_MS) Object.assign(sender, { since: now, dropped: 0, told: false });
    sender.dropped++;
    if (sender.told || sender.dropped < TOLD_AT) return "drop";
    sender.told = true;
    return "tell";
  }

  /** The ticket of a message that passed is genuine: from now on it has a budget of its own. */
  grant(from: ServerName, body: Pick<TicketBody, "requestId" | "attempt" | "clusters">, { now }: Turn): void {
    const name = nameOf(from, body);
    if (this.#tickets.has(name)) return;
    const capacity = PER_TICKET.capacity + PER_TICKET_AND_CLUSTER * body.clusters.length;
    this.#tickets.set(name, new TokenBucket({ ...PER_TICKET, capacity }, now));
    trimOldest(this.#tickets, TICKETS_MAX);
    const { bucket, underTickets } = this.#senderOf(from, now);
    bucket.grant(BACK_PER_TICKET, SENDER_LEVEL_MAX);
    underTickets.grant(capacity, TICKETS_LEVEL_MAX);
  }

  /** It could not be judged yet, which is not its sender's fault while it is not far too much. */
  giveBack(from: ServerName, { now }: Turn): void {
    const { bucket, givenBack } = this.#senderOf(from, now);
    if (givenBack.take(now)) bucket.grant(1, SENDER_LEVEL_MAX);
  }

  #senderOf(from: ServerName, now: number): Sender {
    let sender = this.#senders.get(from);
    if (!sender) {
      const buckets = {
        bucket: new TokenBucket(PER_SENDER, now),
        underTickets: new TokenBucket(NOTHING, now),
        givenBack: new TokenBucket(GIVEN_BACK, now),
      };
      sender = { ...buckets, since: now, dropped: 0, told: false };
      this.#senders.set(from, sender);
      trimOldest(this.#senders, SENDERS_MAX);
    }
    return sender;
  }
}

const nameOf = (from: ServerName, { requestId, attempt }: Pick<TicketBody, "requestId" | "attempt">): string =>
  `${from} ${requestId} ${attempt}`;

/** True for a message of an execution server that is to be dropped unread. */
export function isOverBudget(replica: Replica, turn: Turn, from: ServerName, message: ToStateReplica): boolean {
  switch (message.kind) {
    case "change":
    case "shadowResult":
      return isBeyond(replica, turn, from, message.record.ticket.body);
    case "fetch":
      return isBeyond(replica, turn, from, message.ticket.body);
    case "evidence":
      return isBeyond(replica, turn, from, undefined);
    default:
      return false;
  }
}

function isBeyond(replica: Replica, turn: Turn, from: ServerName, body: TicketBody | undefined): boolean {
  const decision = replica.budgets.take(from, body, turn);
  if (decision === "tell") {
    const isNamed = body !== undefined && isRequestId(body.requestId) && Number.isSafeInteger(body.attempt);
    const [requestId, attempt] = isNamed ? [body.requestId, body.attempt] : [ZERO_DIGEST as string as RequestId, 0];
    const detail = `more than ${TOLD_AT} messages beyond its budget within a second`;
    reportRefusal(replica, turn, from, { requestId, attempt, reason: "flood", detail, act: "flood" });
  }
  return decision !== "pass";
}
