import { expect, it } from "vitest";
import { EXECUTION_SERVER, genesisOrder, order, REGULATOR, ToyHolder } from "../testing/toy.test-support.ts";
import { type Member, readyMember } from "./member.test-support.ts";

const asked = (member: Member) => member.sent("traffic-regulator", "askTicketKey");

it("are asked of the regulator by a member that started again, until they come (simulator seed 1665)", () => {
  const member = readyMember();
  const holder = new ToyHolder();
  member.change(holder.change(genesisOrder(["account/1"]), { "account/1": 100 }));
  member.wait(1_000);
  expect(asked(member)).toEqual([]);
  member.restart();
  member.wait(1_000);
  expect(asked(member)).toHaveLength(5);
  expect(asked(member)[0]).toEqual({ kind: "askTicketKey", regulatorEpoch: 1 });
  const deposit = order({ to: 1, amount: 1 }, { operation: "deposit", key: "a" });
  member.receive(EXECUTION_SERVER, { kind: "fetch", fetch: "f", ...deposit, objects: ["account/1"], at: [] });
  expect(member.sent("execution-server", "fetched")).toEqual([]);
  member.key();
  expect(member.sent("execution-server", "fetched")).toHaveLength(1);
  member.clear();
  member.wait(1_000);
  expect(asked(member)).toEqual([]);
});

it("are kept for the last sixteen regulator epochs", () => {
  const member = readyMember();
  for (let epoch = 2; epoch <= 17; epoch++)
    member.receive(REGULATOR, { kind: "ticketKey", regulatorEpoch: epoch, key: "00" });
  const holder = new ToyHolder();
  member.change(holder.change(genesisOrder(["account/1"]), { "account/1": 100 }));
  expect(member.accepted()).toEqual([]);
  expect(member.core.heldCount).toBe(1);
});
