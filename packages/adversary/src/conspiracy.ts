/**
 * What compromised processes of one world share: tickets that passed through any of them, what an execution server told
 * whom, and which replicas are in it. A perfect side channel, the worst case of the fault model (docs/PROTOCOL.md §1).
 */
import { digestChange, type Hasher, summarize } from "@redoubt/protocol";
import type { ChangeRecord, ChangeSummary, Digest, ServerName, Ticket } from "@redoubt/shared";

/** One content an execution server has given a change, whether it told an honest member or not. */
export interface Story {
  readonly record: ChangeRecord;
  readonly summary: ChangeSummary;
  readonly digest: Digest;
}

const TICKETS_MAX = 256;
const REQUESTS_MAX = 1_024;
const STORIES_PER_REQUEST_MAX = 4;

const nameOf = (requestId: string, attempt: number): string => `${requestId}/${attempt}`;

/** Undefined for what no digest can name: a server with another behaviour besides makes such changes, too. */
export function nameable(hasher: Hasher, summary: ReturnType<typeof summarize>): Digest | undefined {
  try {
    return digestChange(hasher, summary);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export class Conspiracy {
  /** Replicas that are in it. */
  readonly accomplices: Set<ServerName> = new Set();
  /** Tickets of any server, newest last. */
  readonly #tickets: Ticket[] = [];
  readonly #ticketNames = new Set<string>();
  readonly #stories = new Map<string, Story[]>();

  overhear(ticket: Ticket): void {
    const name = nameOf(ticket.body.requestId, ticket.body.attempt);
    if (this.#ticketNames.has(name)) return;
    this.#ticketNames.add(name);
    this.#tickets.push(ticket);
    const oldest = this.#tickets.length > TICKETS_MAX ? this.#tickets.shift() : undefined;
    if (oldest) this.#ticketNames.delete(nameOf(oldest.body.requestId, oldest.body.attempt));
  }

  /** Tickets the condition holds for, oldest first. */
  tickets(condition: (ticket: Ticket) => boolean): readonly Ticket[] {
    return this.#tickets.filter(condition);
  }

  /** Remembers that a server gives this change this content. */
  tell(hasher: Hasher, record: ChangeRecord): void {
    const { requestId, attempt } = record.ticket.body;
    const name = nameOf(requestId, attempt);
    const stories = this.#stories.get(name) ?? [];
    if (stories.some((story) => story.record === record) || stories.length >= STORIES_PER_REQUEST_MAX) return;
    const summary = summarize(hasher, record);
    const digest = nameable(hasher, summary);
    if (digest === undefined) return;
    if (stories.some((story) => story.digest === digest)) return;
    stories.push({ record, summary, digest });
    this.#stories.set(name, stories);
    if (this.#stories.size <= REQUESTS_MAX) return;
    const [oldest] = this.#stories.keys();
    if (oldest !== undefined) this.#stories.delete(oldest);
  }

  /** Contents that this attempt of this request was given, the first told first. */
  stories(requestId: string, attempt: number): readonly Story[] {
    return this.#stories.get(nameOf(requestId, attempt)) ?? [];
  }

  /** Another content of the same change than the one with this digest. */
  rivalOf(requestId: string, attempt: number, digest: Digest): Story | undefined {
    return this.stories(requestId, attempt).find((story) => story.digest !== digest);
  }
}
