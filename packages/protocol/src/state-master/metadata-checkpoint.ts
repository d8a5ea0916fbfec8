/**
 * The replicated state as blocks of bytes and back. Small fields go as they are, whatever they are called; heads and
 * outcomes as packed arrays; clusters as references to the few terms they share. Terms of one epoch are one object again
 * afterwards: the state compares them by identity.
 */
import { assert, type Digest, type Epoch } from "@redoubt/shared";
import type { Hasher } from "../core.ts";
import { bytesOf, numbersOf, packJson, unpackJson } from "./checkpoint-blocks.ts";
import {
  type ClusterRecord,
  createMetadataState,
  type EpochTerms,
  type MetadataState,
  type OpenEpoch,
} from "./metadata-state.ts";

interface Sizes {
  readonly generations: readonly { readonly startedAt: number; readonly newestAt: number }[];
}

type Small = Omit<MetadataState, "hasher" | "heads" | "outcomes" | "clusters"> & { readonly clusters: PackedClusters };

interface PackedClusters {
  readonly terms: readonly EpochTerms[];
  /** Epoch opened, epoch settled, head: of each cluster in turn. */
  readonly records: readonly (readonly [Epoch, Epoch, Digest])[];
}

export function packMetadata({ hasher: _, heads, outcomes, clusters, ...others }: MetadataState): Uint8Array[] {
  const small: Small = { ...others, clusters: packClusters(clusters) };
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
  const { clusters: packed, ...others } = unpackJson(small) as Small;
  // Checkpoints of earlier versions hold each cluster's terms beside it.
  const clusters = unpackClusters(Array.isArray(packed) ? packClusters(packed) : packed);
  const state: MetadataState = { ...createMetadataState(hasher), ...others, clusters };
  shareTerms(state);
  state.heads.load({ objects: unpackJson(objects) as string[], numbers: numbersOf(numbers), digests });
  const { generations } = unpackJson(sizes) as Sizes;
  assert(generations.length === rows.length, "a checkpoint holds all generations of outcomes");
  state.outcomes.load(generations.map((generation, index) => ({ ...generation, rows: rows[index] as Uint8Array })));
  return state;
}

function packClusters(clusters: readonly ClusterRecord[]): PackedClusters {
  const terms = new Map<Epoch, EpochTerms>();
  for (const { opened, settled } of clusters) terms.set(opened.epoch, opened).set(settled.epoch, settled);
  return {
    terms: [...terms.values()],
    records: clusters.map(({ opened, settled, head }) => [opened.epoch, settled.epoch, head]),
  };
}

function unpackClusters({ terms, records }: PackedClusters): ClusterRecord[] {
  const byEpoch = new Map(terms.map((each) => [each.epoch, each]));
  return records.map(([openedEpoch, settledEpoch, head]) => {
    const opened = byEpoch.get(openedEpoch);
    const settled = byEpoch.get(settledEpoch);
    assert(opened && settled, "a checkpoint holds the terms of every epoch that counts somewhere");
    return { opened, settled, head };
  });
}

/** Epochs that are not settled yet share the terms of their clusters. */
function shareTerms({ clusters, openEpochs }: MetadataState): void {
  const byEpoch = new Map<Epoch, EpochTerms>();
  for (const { opened, settled } of clusters) byEpoch.set(opened.epoch, opened).set(settled.epoch, settled);
  for (const [epoch, open] of openEpochs) {
    const kept: OpenEpoch = { ...open, terms: byEpoch.get(open.terms.epoch) ?? open.terms };
    openEpochs.set(epoch, kept);
  }
}
