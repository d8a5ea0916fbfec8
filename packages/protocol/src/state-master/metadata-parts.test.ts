import { beforeEach, describe, expect, test } from "vitest";
import { HOLDER, makeChange } from "./changes.test-support.ts";
import type { OpenEpochCommand } from "./commands.ts";
import { kinds, MetadataRun, opening, verify } from "./metadata.test-support.ts";
import { describePlacement } from "./metadata.ts";

let run: MetadataRun;
beforeEach(() => {
  run = new MetadataRun();
});

describe("part of a domain", () => {
  const part = (epochMax: number, wish: Partial<OpenEpochCommand> = {}) =>
    opening(epochMax, { clusters: [{ from: 5, to: 9 }], holder: "execution-server-2", part: true, ...wish });

  test("gets an epoch and a holder of its own; the rest keeps what it has", () => {
    const epoch = run.begin();
    expect(run.apply(part(epoch)).decisions).toMatchObject([
      { kind: "epochOpened", clusters: [{ from: 5, to: 9 }], holder: "execution-server-2" },
    ]);
    expect(describePlacement(run.state)).toMatchObject([
      { epoch, settledEpoch: epoch, holder: HOLDER },
      { epoch: run.slot, settledEpoch: epoch, holder: "execution-server-2" },
    ]);
    run.apply(run.settle(run.slot));
    expect(
      run.apply(opening(run.slot, { holder: "execution-server-3", clusters: [{ from: 6, to: 6 }] })).decisions,
    ).toMatchObject([{ clusters: [{ from: 5, to: 9 }] }]);
  });

  test("comes together with the rest again under one holder", () => {
    const epoch = run.begin();
    run.apply(part(epoch));
    run.apply(run.settle(run.slot));
    expect(run.apply(opening(run.slot, { clusters: [{ from: 4, to: 5 }] })).decisions).toMatchObject([
      { clusters: [{ from: 0, to: 1023 }], holder: HOLDER },
    ]);
  });

  test("only out of the settled epoch that is named, and for a holder of nothing else", () => {
    const epoch = run.begin();
    expect(run.apply(part(epoch + 5)).decisions).toEqual([]);
    expect(run.apply(part(epoch, { holder: HOLDER })).decisions).toEqual([]);
    run.apply(opening(epoch));
    expect(run.apply(part(run.slot)).decisions).toEqual([]);
  });

  test("not while a survivor touches both sides of the cut", () => {
    run.begin();
    const spanning = makeChange({ request: "spanning", epoch: 1, clusters: [4, 5] });
    const inside = makeChange({ request: "inside", epoch: 1, clusters: [6, 7] });
    run.apply(opening(1));
    const { epoch } = { epoch: run.slot };
    run.apply(run.settle(epoch, [spanning, inside]));
    expect(run.apply(part(epoch)).decisions).toEqual([]);
    run.apply(verify(spanning));
    expect(kinds(run.apply(part(epoch)))).toEqual(["epochOpened"]);
  });
});
