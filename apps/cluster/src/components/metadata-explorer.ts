/**
 * What a state master reads in its own Postgres for the state explorer: histories, heads, searches, what became of a
 * request. Rows say where to look; versions come out of the packed slots. Every answer is limited, and unpacks little
 * more than it gives, because a slot of a busy cluster holds hundreds of versions.
 */
import { type MasterStore, type RetentionRow, requestPrefix, type StoredSlot } from "@redoubt/database";
import type { VersionRow } from "@redoubt/protocol";
import type { Decision, Epoch, MetadataQueryMessage, RequestId, VersionCursor, VersionSearch } from "@redoubt/shared";
import { type PackedSlot, requestIdsOf } from "./master-rows.ts";
import { unpackPayload } from "./reduced-slots.ts";

const HISTORY_MAX = 200;
const HEADS_MAX = 500;
const VERSIONS_MAX = 500;
const EPOCHS_REMEMBERED_MAX = 2_048;
/** Slots asked for at first and then at a time: mostly one holds a page, seldom many are needed. */
const SLOTS_FIRST = 4;
const SLOTS_NEXT = 32;

const unpack = (slot: StoredSlot): PackedSlot => unpackPayload(slot.payload);

/** One version in an object's history or in what a search found. */
export interface VersionEntry extends VersionRow {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly slot: number;
}

/** From where on a master keeps everything; before it, the newest version of each object and no more (ADR 0022). */
export interface Kept {
  readonly after: number;
  /** Milliseconds since 1970: when the newest of what is not kept whole was decided. Null while everything is kept. */
  readonly at: number | null;
}

export const keptBy = ({ reducedThrough, reducedAt }: RetentionRow): Kept => ({
  after: Number(reducedThrough),
  at: reducedThrough === 0n ? null : reducedAt.getTime(),
});

export interface ObjectVersions {
  readonly versions: VersionEntry[];
  /** There are older ones, and this master does not keep them any more. */
  readonly isCut: boolean;
}

/** Verified versions of an object, newest first; those below a number when one is given with its slot. */
export async function objectHistory(
  store: Pick<MasterStore, "objectHistory">,
  { object, limit = HISTORY_MAX, before }: Extract<MetadataQueryMessage["about"], { kind: "object" }>,
): Promise<ObjectVersions> {
  const wanted = Math.min(limit, HISTORY_MAX);
  const entries: VersionEntry[] = [];
  let from = before && BigInt(before.slot);
  let isOlderNamed = before !== undefined && before.number > 1;
  // Most slots hold one version of an object, those of a hot one many: after a look at a few, as many as are missing.
  for (let slots = SLOTS_FIRST; ; slots = wanted - entries.length) {
    const steps = await store.objectHistory(object, slots, from);
    for (const step of steps) {
      const place = { at: step.at.getTime(), slot: Number(step.slot) };
      const inSlot = unpack(step).rows.versions.filter(
        (version) => version.object === object && (before === undefined || version.number < before.number),
      );
      for (const version of inSlot.reverse()) if (entries.length < wanted) entries.push({ ...version, ...place });
    }
    const previous = steps.at(-1)?.previousSlot ?? undefined;
    if (entries.length >= wanted) return { versions: entries, isCut: false };
    if (steps.length > 0 && previous === undefined) return { versions: entries, isCut: false };
    // The walk ended although an older slot is named: by the oldest row found, or by the page before.
    if (steps.length < slots) return { versions: entries, isCut: steps.length > 0 || isOlderNamed };
    from = previous;
    isOlderNamed = true;
  }
}

/** Everything decided about a request id, oldest first. */
export async function requestHistory(
  store: MasterStore,
  requestId: RequestId,
): Promise<{ slot: number; at: number; decisions: Decision[]; versions: VersionRow[] }[]> {
  const slots = await store.requestOutcome(requestPrefix(Buffer.from(requestId, "hex")));
  return slots.flatMap((step) => {
    const { decisions, rows } = unpack(step);
    const about = decisions.filter((decision) => requestIdsOf([decision]).has(requestId));
    const versions = rows.versions.filter((version) => version.requestId === requestId);
    return about.length > 0 ? [{ slot: Number(step.slot), at: step.at.getTime(), decisions: about, versions }] : [];
  });
}

/** When epochs were opened. An epoch is the slot of its opening, whose time never changes: each is looked up once. */
export class OpeningTimes {
  readonly #known = new Map<Epoch, number>();

  async addTo<Entry extends { readonly epoch: Epoch }>(
    store: Pick<MasterStore, "slotsAfter"> | undefined,
    entries: readonly Entry[],
  ): Promise<(Entry & { readonly openedAt: number | null })[]> {
    for (const { epoch } of entries) {
      if (!store || epoch === 0 || this.#known.has(epoch)) continue;
      const [slot] = await store.slotsAfter(BigInt(epoch) - 1n, 1);
      if (slot?.slot === BigInt(epoch)) this.#known.set(epoch, slot.at.getTime());
    }
    for (const epoch of this.#known.keys()) if (this.#known.size > EPOCHS_REMEMBERED_MAX) this.#known.delete(epoch);
    return entries.map((entry) => ({ ...entry, openedAt: this.#known.get(entry.epoch) ?? null }));
  }
}

/** The newest version of an object, for the explorer's list. */
export interface ObjectHeadEntry {
  readonly object: string;
  readonly number: number;
  readonly epoch: number;
  readonly status: "pending" | "verified" | "invalid";
  readonly requestId: RequestId;
  /** Milliseconds since 1970; 0 when its slot is no longer kept. */
  readonly at: number;
}

/** By name. */
export async function objectHeads(
  store: MasterStore,
  { prefix, limit, after }: { readonly prefix: string; readonly limit: number; readonly after?: string },
): Promise<ObjectHeadEntry[]> {
  const heads = await store.timedHeads(prefix, Math.min(limit, HEADS_MAX), after);
  return heads.map(({ object, number, epoch, status, requestId, at }) => ({
    object,
    number: Number(number),
    epoch: Number(epoch),
    status,
    requestId: Buffer.from(requestId).toString("hex") as RequestId,
    at: at?.getTime() ?? 0,
  }));
}

export interface FoundVersions {
  readonly versions: VersionEntry[];
  /** Where the next page begins; null at the end. */
  readonly next: VersionCursor | null;
}

/** A slot's time is its proposer's clock: slots of neighbouring times may stand the other way round by this much. */
const CLOCKS_APART_MS = 60_000;

/** No search walks over old rows that are kept for being the newest of their objects. */
function beginOf(from: number | undefined, { at }: Kept): Date | undefined {
  const begin = Math.max(from ?? 0, at === null ? 0 : at - CLOCKS_APART_MS);
  return begin === 0 ? undefined : new Date(begin);
}

/** Versions by execution server and time, newest first; only those that are kept with all others of their time. */
export async function findVersions(
  store: Pick<MasterStore, "searchSlots">,
  search: VersionSearch,
  kept: Kept = { after: 0, at: null },
): Promise<FoundVersions> {
  const limit = Math.min(search.limit, VERSIONS_MAX);
  const from = beginOf(search.from, kept);
  const after = kept.after === 0 ? undefined : BigInt(kept.after);
  const to = search.to === undefined ? undefined : new Date(search.to);
  const versions: VersionEntry[] = [];
  let cursor: VersionCursor | undefined = search.before;
  for (let slots = SLOTS_FIRST; ; slots = SLOTS_NEXT) {
    // The slot of the cursor is read again for the versions that did not fit: nothing comes between it and the slot above.
    const before = cursor && { at: new Date(cursor.at), slot: BigInt(cursor.slot) + (cursor.index > 0 ? 1n : 0n) };
    const found = await store.searchSlots({ server: search.server, from, to, before, after, limit: slots });
    for (const slot of found) {
      const place = { at: slot.at.getTime(), slot: Number(slot.slot) };
      const inSlot = unpack(slot).rows.versions.filter(
        ({ executionServer }) => search.server === undefined || executionServer === search.server,
      );
      for (let index = cursor?.slot === place.slot ? cursor.index : inSlot.length; index > 0; index--) {
        const version = inSlot[index - 1];
        if (versions.length === limit) return { versions, next: { ...place, index } };
        if (version) versions.push({ ...version, ...place });
      }
      cursor = { ...place, index: 0 };
    }
    if (found.length < slots) return { versions, next: null };
  }
}
