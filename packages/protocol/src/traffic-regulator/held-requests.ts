/**
 * Quarantined requests that are held for a person (DESIGN §5, ADR 0021): the part of L1 whose client has no definite answer
 * yet. Nothing here is ever dispatched: a held request leaves either into L3, released by an administrator, or, closed by the
 * masters, into the rest of L1.
 *
 * Unlike the rest of L1 none is ever forgotten to make room, since the masters know nothing of it: who does not fit is not held.
 */
import { assert, type RequestId } from "@redoubt/shared";
import type { MalformedEntry } from "./request-logs.ts";
import type { Hold, QuarantinedRecord } from "./types.ts";

const HELD_MAX = 256;
/** Its first one blocks a client, so that only what it had under way can follow. */
const HELD_PER_CLIENT_MAX = 16;
const INPUT_CHARACTERS_MAX = 16 * 1024 * 1024;

export interface HeldEntry extends MalformedEntry {
  readonly hold: Hold;
  /** Decided: it is to be rejected, and the masters are asked to close its id. From then on it cannot be released. */
  readonly isEnding: boolean;
}

export class HeldRequests {
  readonly #held = new Map<RequestId, HeldEntry>();
  #inputCharacters = 0;
  /** When the masters were asked last to close those that are ending. */
  askedAt = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#held.size;
  }

  get(requestId: RequestId): HeldEntry | undefined {
    return this.#held.get(requestId);
  }

  /** Oldest first. */
  all(): HeldEntry[] {
    return [...this.#held.values()];
  }

  isOwner(clientId: string): boolean {
    return this.#countOf(clientId) > 0;
  }

  hasRoomFor({ clientId, inputText }: Pick<QuarantinedRecord, "clientId" | "inputText">): boolean {
    if (this.#held.size >= HELD_MAX || this.#inputCharacters + inputText.length > INPUT_CHARACTERS_MAX) return false;
    return this.#countOf(clientId) < HELD_PER_CLIENT_MAX;
  }

  add(entry: HeldEntry): void {
    assert(!this.#held.has(entry.requestId), "a request is held once");
    this.#held.set(entry.requestId, entry);
    this.#inputCharacters += entry.inputText.length;
  }

  replace(entry: HeldEntry): void {
    this.#held.set(entry.requestId, entry);
  }

  /** It is to be rejected. */
  end(requestId: RequestId): void {
    const entry = this.#held.get(requestId);
    if (entry) this.#held.set(requestId, { ...entry, isEnding: true });
  }

  remove(requestId: RequestId): HeldEntry | undefined {
    const entry = this.#held.get(requestId);
    if (!entry) return undefined;
    this.#held.delete(requestId);
    this.#inputCharacters -= entry.inputText.length;
    return entry;
  }

  #countOf(clientId: string): number {
    let count = 0;
    for (const entry of this.#held.values()) if (entry.clientId === clientId) count++;
    return count;
  }
}
