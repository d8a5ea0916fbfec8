import { describe, expect, it } from "vitest";
import { DAMAGED } from "../core.ts";
import { genesisOrder, MEMBERS, order, slot, ToyHolder, verified } from "../testing/toy.test-support.ts";
import { type Member, readyMember } from "./member.test-support.ts";

/** Records: identity, three slots, change, change, slot 4, change, slot 5. */
function memberWithHistory(): { readonly member: Member; readonly changes: readonly number[] } {
  const member = readyMember(MEMBERS[2], true, { journalIdentity: "first" });
  const holder = new ToyHolder();
  const genesis = holder.change(genesisOrder(["account/1"]), { "account/1": 100 });
  const deposit = (key: string, value: number) =>
    holder.change(order({ to: 1, amount: 1 }, { operation: "deposit", key }), { "account/1": value });
  const [second, third] = [deposit("a", 101), deposit("b", 102)];
  member.change(genesis);
  member.change(second);
  member.decide(slot(4, verified(genesis)));
  member.change(third);
  member.decide(slot(5, verified(second)));
  const changes = member.journal.flatMap(({ kind }, number) => (kind === "accepted" ? [number] : []));
  return { member, changes };
}

describe("a damaged record met at the start", () => {
  it("and what follows it is given up: the state is that before, under a new name that goes out with everything", () => {
    const { member, changes } = memberWithHistory();
    const [, , third = 0] = changes;
    const through = member.journal.length;
    member.restartWith({ journalIdentity: "second" }, new Set([third]));
    expect(member.journal.at(-1)).toEqual({
      ...{ kind: "identity", identity: "second" },
      abandoned: { from: third, through },
    });
    expect(member.core.identity).toBe("second");
    expect(member.core.appliedThrough).toBe(4);
    expect(member.core.undecidedCount).toBe(1);
    expect(member.sent("state-master", "follow")[0]).toMatchObject({ after: 4, identity: "second", restarted: true });
  });

  it("is passed over by later starts, too, which take in what came after the new name", () => {
    const { member, changes } = memberWithHistory();
    const damaged = new Set([changes[2] ?? 0]);
    member.restartWith({ journalIdentity: "second" }, damaged);
    member.through = 4;
    member.decide(slot(5), slot(6));
    const length = member.journal.length;
    member.restartWith({ journalIdentity: "third" }, damaged);
    expect(member.journal).toHaveLength(length);
    expect(member.core.identity).toBe("second");
    expect(member.core.appliedThrough).toBe(6);
    member.restartFrom(member.checkpoint());
    expect(member.core.identity).toBe("second");
  });

  it("before one that was met earlier gives up more", () => {
    const { member, changes } = memberWithHistory();
    const [, second = 0, third = 0] = changes;
    member.restartWith({ journalIdentity: "second" }, new Set([third]));
    member.restartWith({ journalIdentity: "third" }, new Set([second, third]));
    expect(member.core.identity).toBe("third");
    expect(member.journal.at(-1)).toMatchObject({ abandoned: { from: second } });
    expect(member.core.appliedThrough).toBe(3);
  });

  it("ends the process of a replica that has no other name to take", () => {
    const { member, changes } = memberWithHistory();
    expect(() => member.restartWith({ journalIdentity: "first" }, new Set(changes))).toThrow("without its journal");
    expect(DAMAGED.kind).toBe("damaged");
  });

  it("is not met with a checkpoint that stands for it", () => {
    const { member } = memberWithHistory();
    const checkpoint = member.checkpoint();
    member.damaged.add(4);
    member.restartFrom(checkpoint);
    expect(member.core.identity).toBe("first");
    expect(member.core.appliedThrough).toBe(5);
  });
});
