import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { compileContract } from "../contract/compile-contract.ts";
import { defineContract } from "../contract/define-contract.ts";
import { ConfidentialIndex } from "./confidential-index.ts";
import { checkConfidentiality } from "./confidentiality.ts";
import type { AcceptanceRecord } from "./record.ts";

const compiled = compileContract(
  defineContract({
    name: "people",
    title: "People",
    version: 1,
    objects: {
      person: {
        key: "{id}",
        schema: z.strictObject({ name: z.string(), note: z.string() }),
        confidential: [{ field: "name", visibleTo: "naming-operations" }],
      },
    },
    operations: {
      show: {
        title: "Show",
        input: z.strictObject({ id: z.int() }),
        output: z.unknown(),
        access: [{ object: "person/{id}", mode: "write" }],
      },
    },
  }),
);
if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));

const SECRET = "Wilhelmina Thornbury";
const person = (name: string, note = "") => ({ name, note });

function indexOf(names: Record<string, string>): ConfidentialIndex {
  if (!compiled.ok) throw new Error("no contract");
  const index = new ConfidentialIndex(compiled.value);
  for (const [object, name] of Object.entries(names)) index.update(object, person(name));
  return index;
}

/** The failed check of a reply to an operation that names person/1 only. */
function check(body: unknown, options: { index?: ConfidentialIndex; record?: Partial<AcceptanceRecord> } = {}) {
  const index = options.index ?? indexOf({ "person/1": "Amara Okafor", "person/2": SECRET });
  const record: AcceptanceRecord = {
    operation: "show",
    applicationVersion: "test",
    input: { id: 1 },
    principal: "alice",
    now: 0,
    reads: [{ object: "person/1", value: person("Amara Okafor") }],
    writes: [],
    reply: { status: 200, body },
    ...options.record,
  };
  return checkConfidentiality([{ object: "person/1", mode: "write", complete: false }], record, index.find)?.check;
}

describe("the leak check finds another person's name", () => {
  const bytes = [...SECRET].map((letter) => letter.charCodeAt(0));
  test.each<[string, unknown]>([
    ["as it stands", { text: `for ${SECRET}.` }],
    ["in other case and punctuation", "wilhelmina__THORNBURY"],
    ["without blanks inside other text", "xxWilhelminaThornburyxx"],
    ["as a key", { [SECRET]: 1 }],
    ["split over fields", { first: "Wilhelmina", second: "Thornbury" }],
    ["letter by letter", [...SECRET]],
    ["backwards", [...SECRET].reverse().join("")],
    ["in base64", Buffer.from(SECRET).toString("base64")],
    ["in base64url behind something", `abc${Buffer.from(SECRET).toString("base64url")}`],
    ["in hexadecimal", Buffer.from(SECRET).toString("hex")],
    ["in hexadecimal with colons", bytes.map((byte) => byte.toString(16)).join(":")],
    ["percent-encoded", bytes.map((byte) => `%${byte.toString(16)}`).join("")],
    ["as character codes", bytes],
  ])("%s", (_, body) => {
    expect(check(body)).toBe("confidentiality");
  });

  test("with accents written otherwise", () => {
    const index = indexOf({ "person/2": "Zoë Brändström" });
    expect(check("zoe brandstrom", { index })).toBe("confidentiality");
    expect(check(Buffer.from("Zoë Brändström").toString("base64"), { index })).toBe("confidentiality");
  });

  test("wherever it stands among other text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 50 }), fc.string({ maxLength: 50 }), (before, after) => {
        expect(check(`${before}${SECRET}${after}`)).toBe("confidentiality");
      }),
    );
  });

  test("behind any number of names the client may see", () => {
    const names = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`person/${index + 10}`, `Known Person ${index}`]),
    );
    const text = Object.values(names).join(", ");
    const index = indexOf({ ...names, "person/2": SECRET });
    const record = { input: { id: 1, text } };
    expect(check(text, { index, record })).toBeUndefined();
    expect(check(`${text} ${SECRET}`, { index, record })).toBe("confidentiality");
  });

  test("written into an object the operation may write", () => {
    const writes = [{ object: "person/1", before: person("Amara Okafor"), after: person("Amara Okafor", SECRET) }];
    expect(check("done", { record: { writes } })).toBe("confidentiality");
  });
});

describe("it is no leak", () => {
  test("to show the person the operation names", () => {
    expect(check("Amara Okafor")).toBeUndefined();
  });

  test("to repeat what the client sent", () => {
    expect(check(SECRET, { record: { input: { id: 1, text: `to ${SECRET}` } } })).toBeUndefined();
  });

  test("to show what the named object already held", () => {
    const reads = [{ object: "person/1", value: person("Amara Okafor", `rent to ${SECRET}`) }];
    expect(check(`note: rent to ${SECRET}`, { record: { reads } })).toBeUndefined();
  });

  test("when the named person has the same name", () => {
    expect(
      check("Amara Okafor", { index: indexOf({ "person/1": "Amara Okafor", "person/2": "Amara Okafor" }) }),
    ).toBeUndefined();
  });

  test("to write numbers and ordinary words", () => {
    expect(check({ checking: 123456789, text: "The quick brown fox jumps over 13 lazy dogs" })).toBeUndefined();
  });
});

describe("the index", () => {
  test("follows changes and removals", () => {
    const index = indexOf({ "person/1": "Amara Okafor", "person/2": SECRET });
    index.update("person/2", person("Isidora Castellano"));
    expect(check(SECRET, { index })).toBeUndefined();
    expect(check("Isidora Castellano", { index })).toBe("confidentiality");
    index.update("person/2", null);
    expect(check("Isidora Castellano", { index })).toBeUndefined();
  });

  test("finds each of many texts that begin alike, and of many objects that hold the same, and forgets them one by one", () => {
    const alike = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, index) => [`person/${index + 10}`, `Customer number ${index} of this bank`]),
    );
    const same = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`person/${index + 50_000}`, SECRET]));
    const index = indexOf({ ...alike, ...same });
    expect(check("Customer number 19999 of this bank", { index })).toBe("confidentiality");
    expect(check("Customer number 20000 of this bank", { index })).toBeUndefined();
    for (const object of Object.keys(alike)) index.update(object, null);
    expect(check("Customer number 19999 of this bank", { index })).toBeUndefined();
    for (const object of Object.keys(same).slice(1)) index.update(object, person("Amara Okafor"));
    expect(check(SECRET, { index })).toBe("confidentiality");
    index.update("person/1", person(SECRET));
    expect(check(SECRET, { index })).toBeUndefined();
    for (const object of ["person/1", "person/50000"]) index.update(object, null);
    expect([...index.entries()].length).toBe(19_999);
  });

  test("ignores objects of unknown types and values of another shape", () => {
    const index = indexOf({});
    index.update("unknown/1", person(SECRET));
    index.update("person/3", "text");
    index.update("person/4", { name: 5 });
    expect(check(SECRET, { index })).toBeUndefined();
  });
});
