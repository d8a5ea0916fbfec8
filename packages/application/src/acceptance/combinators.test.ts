import { describe, expect, test } from "vitest";
import { viewOf } from "./acceptance-view.ts";
import { all, conserves, must, onlyChanges, unchanged } from "./combinators.ts";
import type { AcceptanceRecord } from "./record.ts";

type Value = { a?: number; b?: number };

function view(objects: Record<string, [before: Value | null, after: Value | null]>, input: unknown = { id: 1 }) {
  const record: AcceptanceRecord = {
    operation: "operate",
    applicationVersion: "test",
    input,
    principal: "alice",
    now: 0,
    reads: Object.entries(objects).map(([object, [value]]) => ({ object, value })),
    writes: Object.entries(objects).flatMap(([object, [before, after]]) =>
      before === after ? [] : [{ object, before, after }],
    ),
    reply: { status: 200, body: null },
  };
  return viewOf(record);
}

describe("conserves", () => {
  const sum = conserves("box", ({ a = 0, b = 0 }: Value) => [a, b]);

  test("compares the sum over all objects of the type", () => {
    expect(sum(view({ "box/1": [{ a: 5 }, { a: 2 }], "box/2": [{ b: 1 }, { b: 4 }] }))).toBeUndefined();
    expect(sum(view({ "box/1": [{ a: 5 }, { a: 2 }] }))).toEqual({
      check: "conserves",
      detail: "the sum over box objects must be 5, not 2",
    });
  });

  test("counts an absent object as nothing and ignores other types", () => {
    expect(
      sum(view({ "box/1": [{ a: 5 }, { a: 0 }], "box/2": [null, { a: 5 }], "bag/1": [{ a: 1 }, { a: 9 }] })),
    ).toBeUndefined();
  });

  test("is exact beyond 2^53", () => {
    const huge = Number.MAX_SAFE_INTEGER;
    const before = {
      "box/1": [
        { a: huge, b: huge },
        { a: huge, b: huge - 1 },
      ] as [Value, Value],
    };
    expect(sum(view(before))).toMatchObject({ check: "conserves" });
  });

  test("allows a stated difference", () => {
    const deposit = conserves(
      "box",
      ({ a = 0 }: Value) => a,
      () => 3,
    );
    expect(deposit(view({ "box/1": [{ a: 5 }, { a: 8 }] }))).toBeUndefined();
    expect(deposit(view({ "box/1": [{ a: 5 }, { a: 5 }] }))).toMatchObject({ check: "conserves" });
  });
});

describe("onlyChanges", () => {
  const check = onlyChanges({ "box/{id}": ["a"] });

  test("lets the named field of the named object change", () => {
    expect(
      check(
        view({
          "box/1": [
            { a: 1, b: 1 },
            { a: 2, b: 1 },
          ],
        }),
      ),
    ).toBeUndefined();
  });

  test.each<[string, Record<string, [Value | null, Value | null]>]>([
    [
      "another field",
      {
        "box/1": [
          { a: 1, b: 1 },
          { a: 2, b: 2 },
        ],
      },
    ],
    ["a field that disappears", { "box/1": [{ a: 1, b: 1 }, { a: 2 }] }],
    ["another object", { "box/2": [{ a: 1 }, { a: 2 }] }],
    ["an object that is made", { "box/1": [null, { a: 2 }] }],
    ["an object that is removed", { "box/1": [{ a: 2 }, null] }],
  ])("refuses %s", (_, objects) => {
    expect(check(view(objects))).toMatchObject({ check: "only-changes" });
  });

  test('"all" allows making the object', () => {
    expect(onlyChanges({ "box/{id}": "all" })(view({ "box/1": [null, { a: 2 }] }))).toBeUndefined();
  });

  test("does not confuse an own field __proto__ with a prototype", () => {
    const after = JSON.parse('{"a": 1, "__proto__": {"b": 2}}') as Value;
    expect(check(view({ "box/1": [{ a: 1 }, after] }))).toEqual({
      check: "only-changes",
      detail: "field __proto__ of box/1 must not change",
    });
  });
});

test("unchanged holds for nothing at all, or for the named fields", () => {
  const changed = view({
    "box/1": [
      { a: 1, b: 1 },
      { a: 2, b: 1 },
    ],
  });
  expect(unchanged()(changed)).toMatchObject({ check: "unchanged" });
  expect(unchanged()(view({ "box/1": [{ a: 1 }, { a: 1 }] }))).toBeUndefined();
  expect(unchanged("box/{id}", ["b"])(changed)).toBeUndefined();
  expect(unchanged("box/{id}", ["a"])(changed)).toMatchObject({
    check: "unchanged",
    detail: "a of box/1 must not change",
  });
});

test("must gives its own name, and all stops at the first failure", () => {
  const first = must("first", () => "because");
  const second = must("second", () => false);
  expect(all(first, second)(view({}))).toEqual({ check: "first", detail: "because" });
  expect(
    all(
      must("fine", () => true),
      second,
    )(view({})),
  ).toEqual({ check: "second", detail: "second does not hold" });
});

test("an object that was neither read nor written is missing evidence, not an absent one", () => {
  expect(() => view({}).before.get("box/1")).toThrow("box/1 was neither read nor written");
  expect(view({ "box/1": [null, null] }).before.get("box/1")).toBeNull();
});
