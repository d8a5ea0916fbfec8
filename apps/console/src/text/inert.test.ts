import { describe, expect, it } from "vitest";
import { inert } from "./inert.ts";

describe("inert", () => {
  it.each([
    ["a direction override", "exe.\u202egnp", "exe.‹U+202E›gnp"],
    ["a terminal escape", "\u001b[31mred", "‹U+001B›[31mred"],
    ["a null byte", "a\u0000b", "a‹U+0000›b"],
    ["a zero-width space", "pay\u200bpal", "pay‹U+200B›pal"],
    ["a tag character", "a\u{e0041}", "a‹U+E0041›"],
  ])("shows %s as what it is", (_case, hostile, shown) => {
    expect(inert(hostile)).toBe(shown);
  });
  it("leaves ordinary text of any script alone", () => {
    const text = "Überweisung an Ζωή, 東京\n\tзавтра 👍";
    expect(inert(text)).toBe(text);
  });
});
