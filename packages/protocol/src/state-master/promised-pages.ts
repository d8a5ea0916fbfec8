/**
 * Puts together the lists of undecided changes that fill more than one message. Pages of one listing only make a list:
 * between two listings changes may have been decided, and pages of both together could lack a change that both had.
 */
import type { ChangeSummary, Digest, PromisedMessage, ServerName } from "@redoubt/shared";

/** More than a member that keeps its limits ever fills. */
const PAGES_MAX = 64;

interface Incomplete {
  readonly listing: Digest;
  readonly count: number;
  readonly pages: Map<number, readonly ChangeSummary[]>;
}

export class PromisedPages {
  /** One listing per member, the last it began. */
  readonly #incomplete = new Map<ServerName, Incomplete>();

  /** The whole list, once it is here. */
  take(from: ServerName, { undecided, page }: PromisedMessage): readonly ChangeSummary[] | undefined {
    if (!page) {
      this.#incomplete.delete(from);
      return undecided;
    }
    const { listing, index, count } = page;
    if (!Number.isInteger(count) || count < 1 || count > PAGES_MAX) return undefined;
    if (!Number.isInteger(index) || index < 0 || index >= count) return undefined;
    const known = this.#incomplete.get(from);
    const isSame = known?.listing === listing && known.count === count;
    const current = isSame ? known : { listing, count, pages: new Map<number, readonly ChangeSummary[]>() };
    this.#incomplete.set(from, current);
    current.pages.set(index, undecided);
    if (current.pages.size < count) return undefined;
    this.#incomplete.delete(from);
    return Array.from({ length: count }, (_, number) => current.pages.get(number) ?? []).flat();
  }
}
