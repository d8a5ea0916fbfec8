import { expect, test } from "vitest";
import { confirmationOf, differenceOf, strengthText } from "./comparison.ts";

const operation = (name: string, ...kinds: string[]) => ({
  ...{ operation: name, title: name, readOnly: false, deadlineMs: 1, onQuarantine: "reject" as const },
  ...{ refusals: 0, templates: 1, completeTemplates: 1, hasOwnChecks: kinds.length > 0 },
  combinators: kinds.map((kind) => ({ kind, count: 1 })),
});
const object = (type: string, schemaVersion: number) => ({ type, title: type, schemaVersion, confidentialFields: [] });

test("a roll-back names operations that go and come, those judged otherwise, and schemas that change", () => {
  const newer = {
    operations: [operation("transfer", "must"), operation("interest"), operation("balance", "custom")],
    objects: [object("account", 2), object("branch", 1)],
  };
  const older = {
    operations: [operation("transfer", "must", "conserves"), operation("balance", "custom"), operation("loan")],
    objects: [object("account", 1), object("branch", 1)],
  };
  expect(differenceOf(newer, older)).toEqual({
    lost: ["interest"],
    gained: ["loan"],
    judgedOtherwise: ["transfer"],
    schemas: [{ type: "account", from: 2, to: 1 }],
  });
});

test("equal versions differ in nothing", () => {
  const same = { operations: [operation("transfer", "must")], objects: [object("account", 1)] };
  expect(differenceOf(same, same)).toEqual({ lost: [], gained: [], judgedOtherwise: [], schemas: [] });
});

test("strength reads as numbers and kinds, and what is typed names the version", () => {
  expect(strengthText(operation("transfer", "must", "conserves"))).toBe("1 must, 1 conserves");
  expect(strengthText(operation("import"))).toBe("");
  expect(confirmationOf({ name: "bank", version: 2 })).toBe("bank 2");
});
