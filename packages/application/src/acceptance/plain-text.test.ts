import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { viewOf } from "./acceptance-view.ts";
import { plainText } from "./plain-text.ts";
import type { AcceptanceRecord } from "./record.ts";

const SECRET = "Wilhelmina Thornbury";
const record = (text: string, more: Partial<AcceptanceRecord> = {}): AcceptanceRecord => ({
  operation: "statement",
  applicationVersion: "test",
  input: { customer: 7, reference: "INV-2026-00417-XK" },
  principal: "alice",
  now: 0,
  reads: [{ object: "account/7", value: { holder: "Amara Okafor", iban: "DE89370400440532013000" } }],
  writes: [],
  reply: { status: 200, body: { text, token: "x9Kd02mAqPzL44" } },
  ...more,
});
const failed = (text: string, options = {}) =>
  plainText({ except: ["token"], ...options })(viewOf(record(text)))?.check;

describe("plainText", () => {
  test.each([
    "Statement of 2026-03-01 for Amara Okafor, customer 7. Checking: 120000 cents. Savings: 5 cents.",
    "Your account DE89370400440532013000 was charged, see INV-2026-00417-XK.",
    "Rechtsschutzversicherungsgesellschaft",
    "",
  ])("lets prose and what the view knows through: %s", (text) => expect(failed(text)).toBeUndefined());

  test.each([
    ["exclusive or", [...Buffer.from(SECRET)].map((byte) => (byte ^ 0x5a).toString(16)).join("")],
    ["compressed", deflateSync(Buffer.from(SECRET)).toString("base64")],
    ["base64", Buffer.from(SECRET).toString("base64")],
    ["a number of letters and digits", "a1b2c3d4e5f6"],
    ["a run longer than any word", "ab".repeat(30)],
  ])("refuses %s, which the leak check cannot read", (_, text) =>
    expect(failed(`Your reference is ${text}.`)).toBe("plain-text"),
  );

  test("limits how much is said that nothing explains, and looks into keys", () => {
    expect(failed("so ".repeat(200))).toBeUndefined();
    expect(failed("so ".repeat(300))).toBe("plain-text");
    expect(failed("so ".repeat(300), { unexplainedMax: 1_000 })).toBeUndefined();
    const keyed = record("", { reply: { status: 200, body: { list: { a1b2c3d4e5f6a7: 1 } } } });
    expect(plainText()(viewOf(keyed))?.check).toBe("plain-text");
  });
});
