import { expect, test } from "vitest";
import { groupsOf } from "./confinement-groups.ts";

const server = (number: number, sentence?: string, component = "execution-server" as const) => ({
  name: `execution-server-${number}`,
  component,
  ...(sentence === undefined ? {} : { confinement: { means: ["permissions"], sentence } }),
});

test("servers confined alike share a line, in the order of their numbers; one that says nothing is named as such", () => {
  const { groups, silent } = groupsOf([server(10, "all"), server(2, "all"), server(3, "no namespace"), server(4)]);
  expect(groups.map(({ sentence, servers }) => [sentence, ...servers])).toEqual([
    ["all", "execution-server-2", "execution-server-10"],
    ["no namespace", "execution-server-3"],
  ]);
  expect(silent).toEqual(["execution-server-4"]);
});

test("nothing is asked of servers that run no application code", () => {
  expect(groupsOf([{ name: "state-replica-1", component: "state-replica" }])).toEqual({ groups: [], silent: [] });
});
