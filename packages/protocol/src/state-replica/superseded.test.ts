import { describe, expect, it } from "vitest";
import {
  digestOf,
  genesisOrder,
  MEMBERS,
  opened,
  order,
  settled,
  slot,
  ToyHolder,
  verified,
} from "../testing/toy.test-support.ts";
import { readyMember } from "./member.test-support.ts";
import { deadSurvivors } from "./superseded.ts";

const holder = new ToyHolder();
const first = holder.change(genesisOrder(["account/1"]), { "account/1": 100 });
const second = holder.change(order({ to: 1, amount: 1 }, { operation: "deposit", key: "a" }), { "account/1": 101 });

describe("survivors that a later settlement dropped", () => {
  it("are dead, unless they were verified or listed again", () => {
    const named = slot(5, settled(4, [first, second]));
    expect(deadSurvivors(named, [])).toEqual(new Set());
    expect(deadSurvivors(named, [slot(7, settled(6))])).toEqual(new Set([digestOf(first), digestOf(second)]));
    expect(deadSurvivors(named, [slot(6, verified(first)), slot(8, settled(7))])).toEqual(new Set([digestOf(second)]));
    expect(deadSurvivors(named, [slot(7, settled(6, [first])), slot(9, settled(8))])).toEqual(
      new Set([digestOf(first), digestOf(second)]),
    );
    expect(deadSurvivors(named, [slot(3, settled(2))])).toEqual(new Set());
  });

  it("do not hold up a member that is behind (simulator seed 192): it passes them over with their epoch", () => {
    const member = readyMember();
    member.decide(slot(4, opened(4)), slot(5, settled(4, [first, second])));
    expect(member.core.appliedThrough).toBe(4);
    member.decide(slot(6, opened(6)));
    expect(member.core.appliedThrough).toBe(4);
    // Only one of the two can still be had; it follows the other in the chain, so it is passed over too.
    member.receive(MEMBERS[0], { kind: "changes", records: [second] });
    member.decide(slot(7, settled(6)));
    expect(member.core.appliedThrough).toBe(7);
    expect(member.core.cluster(1).installedEpoch).toBe(6);
    expect(member.core.versionsOf("account/1")).toEqual([]);
  });

  it("are passed over again when the journal is read after a crash", () => {
    const member = readyMember();
    member.decide(slot(4, opened(4)), slot(5, settled(4, [first])), slot(6, opened(6)), slot(7, settled(6)));
    member.restart();
    expect(member.core.appliedThrough).toBe(7);
    expect(member.core.cluster(1).installedEpoch).toBe(6);
  });
});
