import { expect, test } from "vitest";
import type { Accusation, Observation } from "../observation.ts";
import { checkAccusations } from "./accusations.ts";

const accused = (accusation: Partial<Accusation>): Observation =>
  ({
    accusations: [
      {
        ...{
          server: "execution-server-1",
          component: "execution-server",
          act: "rollback",
          confirmed: true,
          detail: "",
        },
        ...accusation,
      },
    ],
  }) as unknown as Observation;

test("an innocent execution server that t+1 members call guilty is a harmed bystander", () => {
  expect(checkAccusations(accused({}))).toMatchObject([{ invariant: "bystander" }]);
});

test("an innocent execution server that is convicted of a result is one, too", () => {
  expect(checkAccusations(accused({ act: "wrong-result" }))).toMatchObject([{ invariant: "bystander" }]);
});

test("what too few say, what a lossy network does, and what is said of replicas is not judged", () => {
  for (const harmless of [
    { confirmed: false },
    { act: "partial-multicast" },
    { act: "foreign-lease" },
    { component: "state-replica" },
  ] as const)
    expect(checkAccusations(accused(harmless))).toEqual([]);
});
