/**
 * The replicated state as blocks of bytes and back. Small fields go as they are, whatever they are called; heads and
 * outcomes as packed arrays. Terms of one epoch are one object again afterwards: the state compares them by identity.
 */
import { assert } from "@redoubt/shared";
import type { Hasher } from "../core.ts";
import { bytesOf, numbersOf, packJson, unpackJson } from "./checkpoint-blocks.ts";
import { createMetadataState, type EpochTerms, type MetadataState, type OpenEpoch } from "./metadata-state.ts";

interface Sizes {
  readonly generations: readonly { readonly startedAt: number; readonly newestAt: number }[];
}

type Small = Omit<MetadataState, "hasher" | "heads" | "outcomes">;

export function packMetadata({ hasher: _, heads, outcomes, ...small }: MetadataState): Uint8Array[] {
  const { objects, numbers, digests } = heads.pack();
  const generations = outcomes.pack();
  const sizes: Sizes = {
    generations: generations.map(({ startedAt, newestAt }) => ({ startedAt, newestAt })),
  };
  return [
    packJson(small),
    packJson(sizes),
    packJson(objects),
    bytesOf(numbers),
    digests,
    ...generations.map(({ rows }) => rows),
  ];
}

export function unpackMetadata(hasher: Hasher, blocks: readonly Uint8Array[]): MetadataState {
  const [small, sizes, objects, numbers, digests, ...rows] = blocks;
  assert(small && sizes && objects && numbers && digests, "a checkpoint holds all blocks of the metadata");
  const state: MetadataState = { ...createMetadataState(hasher), ...(unpackJson(small) as Small) };
  shareTerms(state);
  state.heads.load({ objects: unpackJson(objects) as string[], numbers: numbersOf(numbers), digests });
  const { generations } = unpackJson(sizes) as Sizes;
  assert(generations.length === rows.length, "a checkpoint holds all generations of outcomes");
  state.outcomes.load(generations.map((generation, index) => ({ ...generation, rows: rows[index] as Uint8Array })));
  return state;
}

function shareTerms(state: MetadataState): void {
  const byEpoch = new Map<number, EpochTerms>();
  const shared = (terms: EpochTerms): EpochTerms => {
    const known = byEpoch.get(terms.epoch);
    if (known) return known;
    byEpoch.set(terms.epoch, terms);
    return terms;
  };
  for (const record of state.clusters) {
    record.opened = shared(record.opened);
    record.settled = shared(record.settled);
  }
  for (const [epoch, open] of state.openEpochs) {
    const kept: OpenEpoch = { ...open, terms: shared(open.terms) };
    state.openEpochs.set(epoch, kept);
  }
}
