import type { FetchedMessage, StoredVersion, VersionReference } from "@redoubt/shared";
import { expect, test } from "vitest";
import { computeC1 } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { genesisOrder, requestIdOf, ToyHolder } from "../testing/toy.test-support.ts";
import { FetchTally } from "./tally.ts";

const record = new ToyHolder().change(genesisOrder(["account/1"]), { "account/1": 100 });
const [write] = record.writes;
if (!write) throw new Error("no write");
const requestId = requestIdOf(record);
const version: StoredVersion = { ...write, requestId, c1: computeC1(nodeHasher, write, requestId) };
const at = new Map<string, VersionReference>([[version.object, version]]);
const answer = (held: StoredVersion | null): FetchedMessage => ({
  kind: "fetched",
  fetch: "fetch-1",
  objects: [{ object: version.object, version: held }],
  tips: [],
});
const tallyOf = (...answers: (StoredVersion | null)[]): FetchTally => {
  const tally = new FetchTally(nodeHasher, 2);
  answers.forEach((held, index) => {
    tally.add(`state-replica-${index + 1}`, answer(held), new Set(), at, new Set());
  });
  return tally;
};

test("a version that t+1 members lack is not to be had any more (simulator seed 488): it became void", () => {
  expect(tallyOf(null).isHopeless).toBe(false);
  expect(tallyOf(null, null).isHopeless).toBe(true);
});

test("one member that has it is enough, whatever t others say", () => {
  expect(tallyOf(null, version).isHopeless).toBe(false);
  expect(tallyOf(null, version, null).isHopeless).toBe(false);
  expect(tallyOf(null, version).exact(version.object)).toEqual(version);
});
