import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { composeStored, parseStored } from "./stored-value.ts";

test("stored bytes give back value and schema version, whatever the value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 99_999 }), (value, schemaVersion) => {
      const text = canonicalJson(value);
      expect(parseStored(composeStored(schemaVersion, text))).toEqual({ schemaVersion, text });
    }),
  );
});

test("bytes of the first schema are the plain text, so what was written before versions reads as it did", () => {
  expect(composeStored(1, '{"a":1}')).toBe('{"a":1}');
  expect(parseStored("12")).toEqual({ schemaVersion: 1, text: "12" });
});
