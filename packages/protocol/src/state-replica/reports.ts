/**
 * What leaves in batches: reports to the masters and acknowledgements to execution servers, at most 2 ms after the first
 * item. A journalled change is acknowledged when the masters have answered its report, a read-only one at once; the reply to
 * the client waits for neither. A journalled change without the masters' decision is reported again every 500 ms, to all masters, since the
 * primary may have changed.
 */
import { type ChangeSummary, type Digest, LIMITS, type ReportMessage, type ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import { Queue } from "../queue.ts";
import { RecentKeys, trimOldest } from "../recent.ts";
import { sendMemberAnswers } from "./answers.ts";
import type { ChangeEntry } from "./change-entry.ts";
import { put, type Replica, type Turn } from "./context.ts";
import { isHomeMember, startTest } from "./tests.ts";

const BATCH_MS = 2;
const CHANGES_PER_REPORT_MAX = 256;
const ITEMS_PER_REPORT_MAX = 4_096;
const OWED_MAX = 2 * LIMITS.unlabelledChangesMax;

type Item = ReportMessage["changes"][number];

const weightOf = (summary: ChangeSummary): number => 4 + summary.reads.length + summary.writes.length;

/** Splits so that each message stays well within a frame. */
function inMessages(items: readonly Item[]): Item[][] {
  const messages: Item[][] = [];
  let weight = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const current = messages.at(-1);
    if (current && current.length < CHANGES_PER_REPORT_MAX && weight + weightOf(item.summary) <= ITEMS_PER_REPORT_MAX) {
      current.push(item);
      weight += weightOf(item.summary);
    } else {
      messages.push([item]);
      weight = weightOf(item.summary);
    }
  }
  return messages;
}

export class Reports {
  #fresh = new Set<ChangeEntry>();
  #acknowledged = new Map<ServerName, Digest[]>();
  /** Changes whose senders wait for an acknowledgement until the masters have answered the report. */
  readonly #owed = new Map<Digest, ServerName>();
  readonly #known = new RecentKeys<Digest>(OWED_MAX);
  #flushAt: number | undefined;
  /** Undecided changes by the time they are to be reported again. */
  readonly #again = new Queue<{ readonly digest: Digest; readonly at: number; readonly times: number }>();

  report(entry: ChangeEntry, now: number): void {
    this.#fresh.add(entry);
    this.#flushAt ??= now + BATCH_MS;
  }

  /** The execution server is told as soon as the masters know of the change (REQUIREMENTS R73). */
  owe(server: ServerName, digest: Digest, now: number): void {
    if (this.#known.has(digest)) {
      this.acknowledge(server, digest, now);
      return;
    }
    this.#owed.set(digest, server);
    trimOldest(this.#owed, OWED_MAX);
  }

  /** The masters have these in their hands, or have decided them. */
  known(digests: readonly Digest[], now: number): void {
    for (const digest of digests) {
      this.#known.add(digest);
      const server = this.#owed.get(digest);
      if (server === undefined) continue;
      this.#owed.delete(digest);
      this.acknowledge(server, digest, now);
    }
  }

  /** What the masters decided they know. Leaves with the next batch, at the latest with this step. */
  decided(digest: Digest): void {
    this.known([digest], -BATCH_MS);
  }

  acknowledge(server: ServerName, digest: Digest, now: number): void {
    const digests = this.#acknowledged.get(server);
    if (digests) digests.push(digest);
    else this.#acknowledged.set(server, [digest]);
    this.#flushAt ??= now + BATCH_MS;
  }

  /** Reports the change until the masters decide it or it is dropped. */
  watch(entry: ChangeEntry, now: number, times = 0): void {
    this.#again.push({ digest: entry.digest, at: now + LIMITS.unlabelledMs, times });
  }

  flush(replica: Replica, turn: Turn): void {
    if (this.#flushAt !== undefined && turn.now >= this.#flushAt) {
      this.#flushAt = undefined;
      const { masters } = replica.configuration;
      const { primary } = replica.stream;
      sendReports(replica, turn, this.#fresh, masters.includes(primary) ? [primary] : masters);
      this.#fresh = new Set();
      for (const [server, digests] of this.#acknowledged)
        put(turn, send("execution-server", server, { kind: "acknowledged", digests }));
      this.#acknowledged = new Map();
    }
    this.#reportAgain(replica, turn);
  }

  #reportAgain(replica: Replica, turn: Turn): void {
    const due: ChangeEntry[] = [];
    for (let next = this.#again.peek(); next && next.at <= turn.now; next = this.#again.peek()) {
      this.#again.shift();
      const entry = replica.store.undecidedOf(next.digest);
      if (!entry) continue;
      due.push(entry);
      this.watch(entry, turn.now, next.times + 1);
      sendMemberAnswers(replica, turn, entry);
      testAgain(replica, turn, entry, next.times);
    }
    sendReports(replica, turn, due, replica.configuration.masters);
  }

  get wakeAt(): number | undefined {
    const again = this.#again.peek()?.at;
    if (this.#flushAt === undefined) return again;
    return again === undefined ? this.#flushAt : Math.min(again, this.#flushAt);
  }
}

/**
 * A verdict may be lost with the process that gave it, even after the reply has left: then nobody but the members can
 * bring it. The testers test again at once, the other home members when that did not help; in the basic profile the
 * regulator names another acceptance test server then.
 */
function testAgain(replica: Replica, turn: Turn, entry: ChangeEntry, times: number): void {
  const { body } = entry.record.ticket;
  if (body.profile === "basic" && times > 0) {
    const { requestId, attempt } = body;
    put(turn, send("traffic-regulator", replica.regulator.server, { kind: "askTester", requestId, attempt }));
  }
  const isTester = body.testers.includes(replica.configuration.self);
  if (body.profile === "optimized" && (isTester || (times > 0 && isHomeMember(replica, entry))))
    startTest(replica, turn, entry);
}

export function sendReports(
  replica: Replica,
  turn: Turn,
  entries: Iterable<ChangeEntry>,
  masters: readonly ServerName[],
): void {
  const items: Item[] = [];
  for (const entry of entries) {
    // Dropped in the meantime: it must not be reported as held.
    if (entry.status !== "undecided") continue;
    const { digest, verdict } = entry;
    const durable = !entry.record.ticket.body.readOnly;
    const item = { digest, summary: replica.store.summaryOf(entry), durable };
    items.push(verdict ? { ...item, verdict } : item);
  }
  for (const changes of inMessages(items)) {
    for (const master of masters) put(turn, send("state-master", master, { kind: "report", changes }));
  }
}
