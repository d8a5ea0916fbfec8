import { describe, expect, test } from "vitest";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { packJson } from "./checkpoint-blocks.ts";
import { MetadataRun, opening } from "./metadata.test-support.ts";
import { packMetadata, unpackMetadata } from "./metadata-checkpoint.ts";

/** Ten clusters are settled and opened again, the others never. */
function begun(): MetadataRun {
  const run = new MetadataRun();
  run.apply(opening(0, { clusters: [{ from: 0, to: 9 }] }));
  run.apply(run.settle(1));
  run.apply(opening(1, { clusters: [{ from: 4, to: 5 }] }));
  return run;
}

describe("metadata in a checkpoint", () => {
  test("comes back as it was, and clusters of one epoch share its terms again", () => {
    const { state } = begun();
    const restored = unpackMetadata(nodeHasher, packMetadata(state));
    expect(restored.clusters).toEqual(state.clusters);
    expect(restored.openEpochs).toEqual(state.openEpochs);
    expect(restored.clusters[0]?.settled).toBe(restored.clusters[9]?.settled);
    expect(restored.clusters[4]?.opened).toBe([...restored.openEpochs.values()][0]?.terms);
  });

  test("is read as earlier versions wrote it", () => {
    const { state } = begun();
    const { hasher: _, heads: __, outcomes: ___, ...small } = state;
    const restored = unpackMetadata(nodeHasher, [packJson(small), ...packMetadata(state).slice(1)]);
    expect(restored.clusters).toEqual(state.clusters);
    expect(restored.clusters[0]?.settled).toBe(restored.clusters[9]?.settled);
  });
});
