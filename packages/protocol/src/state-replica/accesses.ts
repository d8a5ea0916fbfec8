/**
 * What execution servers asked this member for, by ticket (REQUIREMENTS R43–R45, U36): granted and denied fetches, each
 * chunk chained by its digest to the one before. The log goes to the acceptance test with the change it belongs to, and into
 * the journal before it. Reads and writes a change declares are in its record and are not logged twice; a change that was
 * served from its server's cache has no log of its own.
 *
 * Each member logs what it saw itself, so no member can forge or withhold another's log. A log that a restart lost is missing,
 * and a missing log fails no test (PROTOCOL §8).
 */
import { ByteWriter, type ChangeRecord, type Digest, type LoggedAccess, type TicketBody } from "@redoubt/shared";
import type { Hasher } from "../core.ts";

/** Accesses listed for one ticket; further ones are only counted. */
const PER_TICKET_MAX = 1_024;
/** Accesses of all tickets together; beyond, the oldest tickets' logs go. */
const ACCESSES_MAX = 262_144;
const TICKETS_MAX = 8_192;

export interface AccessLog {
  /** Digest of the last chunk, over everything before it and the ticket. */
  readonly head: Digest;
  readonly accesses: readonly LoggedAccess[];
  /** Accesses that are in the chain but not in the list. */
  readonly omitted: number;
}

interface OpenLog {
  head: Digest;
  readonly accesses: LoggedAccess[];
  readonly names: Set<string>;
  omitted: number;
}

const keyOf = ({ requestId, attempt }: Pick<TicketBody, "requestId" | "attempt">): string => `${requestId}/${attempt}`;
const nameOf = ({ object, mode, granted }: LoggedAccess): string => `${mode}${granted ? "+" : "-"}${object}`;

export class AccessLogs {
  readonly #byTicket = new Map<string, OpenLog>();
  #count = 0;

  /** One message's accesses under a genuine ticket. What is in the log already is not logged again. */
  add(hasher: Hasher, body: TicketBody, ticketDigest: Digest, accesses: readonly LoggedAccess[]): void {
    const key = keyOf(body);
    const log = this.#byTicket.get(key) ?? { head: ticketDigest, accesses: [], names: new Set(), omitted: 0 };
    const news = accesses.filter((access) => !log.names.has(nameOf(access)));
    if (news.length === 0) return;
    log.head = chain(hasher, log.head, news);
    for (const access of news) {
      if (log.accesses.length >= PER_TICKET_MAX) {
        log.omitted++;
        continue;
      }
      log.accesses.push(access);
      log.names.add(nameOf(access));
      this.#count++;
    }
    this.#byTicket.set(key, log);
    this.#trim(log);
  }

  #trim(newest: OpenLog): void {
    for (const [key, log] of this.#byTicket) {
      if ((this.#count <= ACCESSES_MAX && this.#byTicket.size <= TICKETS_MAX) || log === newest) return;
      this.#byTicket.delete(key);
      this.#count -= log.accesses.length;
    }
  }

  /** The log of this ticket; undefined when nothing was fetched under it, or the log is lost. */
  of(body: Pick<TicketBody, "requestId" | "attempt">): AccessLog | undefined {
    const log = this.#byTicket.get(keyOf(body));
    return log && { head: log.head, accesses: [...log.accesses], omitted: log.omitted };
  }

  /** Everything known to have been accessed for a change: what was fetched, and what the change declares. */
  allOf(record: ChangeRecord): readonly LoggedAccess[] {
    const fetched = this.#byTicket.get(keyOf(record.ticket.body))?.accesses ?? [];
    const read = record.reads.map(({ object }) => ({ object, mode: "read", granted: true }) as const);
    const written = record.writes.map(({ object }) => ({ object, mode: "write", granted: true }) as const);
    return [...fetched, ...read, ...written];
  }
}

function chain(hasher: Hasher, head: Digest, accesses: readonly LoggedAccess[]): Digest {
  const writer = new ByteWriter(256).text("accesses").digest(head);
  writer.list(accesses, ({ object, mode, granted }) =>
    writer
      .text(object)
      .text(mode)
      .u8(granted ? 1 : 0),
  );
  return hasher.sha256(writer.finish());
}
