/** Epochs for part of a domain (docs/PROTOCOL.md §4). */
import type { Slot } from "@redoubt/shared";
import { beforeEach, describe, expect, test } from "vitest";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { HOLDER, MEMBERS, makeChange, type TestChange } from "./changes.test-support.ts";
import type { MasterCommand, OpenEpochCommand } from "./commands.ts";
import { applyCommand, describePlacement } from "./metadata.ts";
import { type Applied, createMetadataState, type MetadataState } from "./metadata-state.ts";

let state: MetadataState;
let slot: Slot;
beforeEach(() => {
  state = createMetadataState(nodeHasher);
  slot = 0;
});

/** Applies commands in one slot of their own. */
function apply(...commands: MasterCommand[]): Applied {
  slot += 1;
  const applied: Applied = { decisions: [], versions: [], dead: [] };
  for (const command of commands) applyCommand(state, command, slot, applied);
  return applied;
}

const opening = (epochMax: number, wish: Partial<OpenEpochCommand> = {}): OpenEpochCommand => ({
  kind: "openEpoch",
  clusters: [{ from: 0, to: 0 }],
  epochMax,
  holder: HOLDER,
  members: MEMBERS,
  faultsTolerated: 1,
  invalid: [],
  ...wish,
});
const settle = (
  epoch: number,
  survivors: readonly TestChange[] = [],
  voided: readonly TestChange[] = [],
): MasterCommand => ({
  kind: "settle",
  epoch,
  asOf: slot,
  survivors: survivors.map(({ change }) => change),
  voided: voided.map(({ change: { digest, requestId, attempt } }) => ({ digest, requestId, attempt })),
});
const verify = (...changes: TestChange[]): MasterCommand => ({
  kind: "verify",
  changes: changes.map(({ change }) => ({ change, testers: MEMBERS.slice(0, 2) })),
});
const kinds = ({ decisions }: Applied): string[] => decisions.map(({ kind }) => kind);

/** Epoch 1, opened and settled at once. */
function begin(): number {
  apply(opening(0));
  apply(settle(1));
  return 1;
}

describe("part of a domain", () => {
  const part = (epochMax: number, wish: Partial<OpenEpochCommand> = {}) =>
    opening(epochMax, { clusters: [{ from: 5, to: 9 }], holder: "execution-server-2", part: true, ...wish });

  test("gets an epoch and a holder of its own; the rest keeps what it has", () => {
    const epoch = begin();
    expect(apply(part(epoch)).decisions).toMatchObject([
      { kind: "epochOpened", clusters: [{ from: 5, to: 9 }], holder: "execution-server-2" },
    ]);
    expect(describePlacement(state)).toMatchObject([
      { epoch, settledEpoch: epoch, holder: HOLDER },
      { epoch: slot, settledEpoch: epoch, holder: "execution-server-2" },
    ]);
    apply(settle(slot));
    expect(
      apply(opening(slot, { holder: "execution-server-3", clusters: [{ from: 6, to: 6 }] })).decisions,
    ).toMatchObject([{ clusters: [{ from: 5, to: 9 }] }]);
  });

  test("comes together with the rest again under one holder", () => {
    const epoch = begin();
    apply(part(epoch));
    apply(settle(slot));
    expect(apply(opening(slot, { clusters: [{ from: 4, to: 5 }] })).decisions).toMatchObject([
      { clusters: [{ from: 0, to: 1023 }], holder: HOLDER },
    ]);
  });

  test("only out of the settled epoch that is named, and for a holder of nothing else", () => {
    const epoch = begin();
    expect(apply(part(epoch + 5)).decisions).toEqual([]);
    expect(apply(part(epoch, { holder: HOLDER })).decisions).toEqual([]);
    apply(opening(epoch));
    expect(apply(part(slot)).decisions).toEqual([]);
  });

  test("not while a survivor touches both sides of the cut", () => {
    begin();
    const spanning = makeChange({ request: "spanning", epoch: 1, clusters: [4, 5] });
    const inside = makeChange({ request: "inside", epoch: 1, clusters: [6, 7] });
    apply(opening(1));
    const { epoch } = { epoch: slot };
    apply(settle(epoch, [spanning, inside]));
    expect(apply(part(epoch)).decisions).toEqual([]);
    apply(verify(spanning));
    expect(kinds(apply(part(epoch)))).toEqual(["epochOpened"]);
  });
});
