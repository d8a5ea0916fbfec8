import type { Decision, ServerName, Slot } from "@redoubt/shared";
import { beforeEach, describe, expect, test } from "vitest";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { HOLDER } from "./changes.test-support.ts";
import type { MasterCommand } from "./commands.ts";
import { isOfMember, isStruckOff } from "./membership.ts";
import { applyCommand } from "./metadata.ts";
import { type Applied, createMetadataState, type MetadataState } from "./metadata-state.ts";

const [ONE, TWO, THREE, FOUR, FIVE] = [1, 2, 3, 4, 5].map((number) => `state-replica-${number}`) as [
  string,
  string,
  string,
  string,
  string,
];
const ALL = [ONE, TWO, THREE];

let state: MetadataState;
let slot: Slot;
beforeEach(() => {
  state = createMetadataState(nodeHasher);
  slot = 0;
});

function apply(...commands: MasterCommand[]): Decision[] {
  slot += 1;
  const applied: Applied = { decisions: [], versions: [], dead: [] };
  for (const command of commands) applyCommand(state, command, slot, applied);
  return applied.decisions;
}

const terms = () => state.clusters[0]?.opened ?? { members: [], faultsTolerated: 0, vacant: 0, epoch: 0 };

/** Opens and settles an epoch for these members; returns who was seated. */
function open(members: readonly ServerName[], faultsTolerated = 1): readonly ServerName[] {
  const epochMax = terms().epoch;
  apply({
    ...{ kind: "openEpoch", clusters: [{ from: 0, to: 0 }], epochMax, holder: HOLDER, members, faultsTolerated },
    invalid: [],
  });
  const { epoch } = terms();
  apply({ kind: "settle", epoch, asOf: slot, survivors: [], voided: [] });
  return terms().members;
}
const identify = (server: ServerName, identity: string) => apply({ kind: "identify", server, identity });
const admit = (server: ServerName, identity: string) => apply({ kind: "admit", server, identity });

describe("seats of a new epoch", () => {
  test("are those wanted, when nothing was there before", () => {
    expect(open(ALL)).toEqual(ALL);
    expect(terms().vacant).toBe(0);
  });

  test("are not given to a member whose journal has another name than before", () => {
    for (const server of ALL) identify(server, `${server} first`);
    open(ALL);
    identify(TWO, "second");
    expect(open(ALL)).toEqual([ONE, THREE]);
    expect(terms().vacant).toBe(1);
  });

  test("are vacant when a wanted server had lost its journal before the first epoch", () => {
    for (const server of ALL) identify(server, `${server} first`);
    identify(TWO, "second");
    expect(open(ALL)).toEqual([ONE, THREE]);
    expect(terms().vacant).toBe(1);
  });

  test("are given back once it was admitted with that journal, and not with another", () => {
    for (const server of ALL) identify(server, `${server} first`);
    open(ALL);
    identify(TWO, "second");
    open(ALL);
    admit(TWO, "first");
    expect(open(ALL)).toEqual([ONE, THREE]);
    admit(TWO, "second");
    expect(open(ALL)).toEqual(ALL);
    expect(terms().vacant).toBe(0);
  });

  test("stay taken while an admitted replica has lost its journal again", () => {
    for (const server of ALL) identify(server, `${server} first`);
    open(ALL);
    identify(TWO, "second");
    open(ALL);
    admit(TWO, "second");
    identify(TWO, "third");
    expect(open(ALL)).toEqual([ONE, THREE]);
  });

  test("are never fewer than t+1: the epoch is not opened at all", () => {
    for (const server of ALL) identify(server, `${server} first`);
    open(ALL);
    identify(TWO, "second");
    open(ALL);
    identify(THREE, "second");
    const { epoch } = terms();
    expect(open(ALL)).toEqual([ONE, THREE]);
    expect(terms().epoch).toBe(epoch);
  });

  test("remain vacant through later epochs until they are filled", () => {
    for (const server of ALL) identify(server, `${server} first`);
    open(ALL);
    identify(TWO, "second");
    open(ALL);
    open(ALL);
    expect(terms()).toMatchObject({ members: [ONE, THREE], vacant: 1 });
  });

  test("tell everybody whom they were opened for, where that differs", () => {
    open(ALL);
    identify(TWO, "first");
    identify(TWO, "second");
    const epochMax = terms().epoch;
    const [opened] = apply({
      ...{ kind: "openEpoch", clusters: [{ from: 0, to: 0 }], epochMax, holder: HOLDER, members: ALL },
      ...{ faultsTolerated: 1, invalid: [] },
    });
    expect(opened).toMatchObject({ members: [ONE, THREE], wanted: ALL });
  });
});

describe("a larger group", () => {
  const FIVE_OF_THEM = [ONE, TWO, THREE, FOUR, FIVE];

  test("seats new servers only when they were admitted, and grows t only when all are seated", () => {
    open(ALL);
    identify(FOUR, "four");
    identify(FIVE, "five");
    expect(open(FIVE_OF_THEM, 2)).toEqual(ALL);
    expect(terms()).toMatchObject({ faultsTolerated: 1, vacant: 0 });
    admit(FOUR, "four");
    expect(open(FIVE_OF_THEM, 2)).toEqual([ONE, TWO, THREE, FOUR]);
    expect(terms().faultsTolerated).toBe(1);
    admit(FIVE, "five");
    expect(open(FIVE_OF_THEM, 2)).toEqual(FIVE_OF_THEM);
    expect(terms().faultsTolerated).toBe(2);
  });

  test("becomes a smaller one at once, and who leaves is not taken for faulty", () => {
    open(FIVE_OF_THEM, 2);
    expect(open(ALL, 1)).toEqual(ALL);
    expect(terms()).toMatchObject({ faultsTolerated: 1, vacant: 0 });
    const ending = { faultsTolerated: 2 };
    expect(isStruckOff(state, ending, { wanted: { members: ALL, faultsTolerated: 1 } }, FIVE)).toBe(false);
  });

  test("does not seat again who left and fell behind", () => {
    for (const server of FIVE_OF_THEM) identify(server, server);
    open(FIVE_OF_THEM, 2);
    open(ALL, 1);
    expect(open(FIVE_OF_THEM, 2)).toEqual(ALL);
    expect(isOfMember(state, FIVE, FIVE)).toBe(true);
  });
});

describe("a replaced member", () => {
  test("keeps its seat until the one that replaces it holds everything", () => {
    open(ALL);
    identify(FOUR, "four");
    expect(open([ONE, TWO, FOUR])).toEqual([ONE, TWO, THREE]);
    admit(FOUR, "four");
    expect(open([ONE, TWO, FOUR])).toEqual([ONE, TWO, FOUR]);
  });

  test("counts among the faulty when it gives no list, as does one without its journal", () => {
    open(ALL);
    const ending = { faultsTolerated: 1 };
    const wanted = { members: [ONE, TWO, FOUR], faultsTolerated: 1 };
    expect(isStruckOff(state, ending, { wanted }, THREE)).toBe(true);
    identify(TWO, "first");
    identify(TWO, "second");
    expect(isStruckOff(state, ending, { wanted }, TWO)).toBe(true);
    expect(isStruckOff(state, ending, { wanted }, ONE)).toBe(false);
  });
});

describe("the name of a journal", () => {
  test("first heard of a member is believed; of a server that was never one it counts for nothing", () => {
    open(ALL);
    identify(ONE, "first");
    identify(FOUR, "first");
    expect(open([ONE, TWO, FOUR])).toEqual([ONE, TWO, THREE]);
  });

  test("decides whether a promise is the member's", () => {
    open(ALL);
    identify(ONE, "first");
    expect(isOfMember(state, ONE, "first")).toBe(true);
    expect(isOfMember(state, ONE, "second")).toBe(false);
    identify(ONE, "second");
    expect(isOfMember(state, ONE, "second")).toBe(false);
  });
});
