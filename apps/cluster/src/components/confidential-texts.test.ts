import type { ContractJson } from "@redoubt/application";
import type { ChangeRecord, Decision } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { ConfidentialTexts } from "./confidential-texts.ts";

const contract = {
  objects: { account: { confidential: [{ field: "holder", visibleTo: "naming-operations" }] }, note: {} },
} as unknown as ContractJson;

interface Change {
  readonly id: string;
  readonly writes: Readonly<Record<string, unknown>>;
}

const change = ({ id, writes }: Change): ChangeRecord =>
  ({
    ticket: { body: { requestId: id, attempt: 1 } },
    writes: Object.entries(writes).map(([object, value]) => ({
      object,
      bytes: typeof value === "string" ? value : JSON.stringify(value),
    })),
  }) as unknown as ChangeRecord;

const verified = (id: string): Decision =>
  ({ kind: "verified", change: { requestId: id, attempt: 1, digest: "" } }) as unknown as Decision;

const holder = (name: string) => ({ holder: name, checking: 1 });
const finds = (texts: ConfidentialTexts, name: string): boolean =>
  texts.find(name.toLowerCase().replaceAll(/[^a-z0-9]/g, ""), () => true) !== undefined;

/** Restored from its own checkpoint. */
function copyOf(texts: ConfidentialTexts): ConfidentialTexts {
  const copy = new ConfidentialTexts(contract);
  copy.restore([...texts.save()]);
  copy.started();
  return copy;
}

describe("ConfidentialTexts", () => {
  it("watches a text once its change is verified, and no longer once another one is", () => {
    const texts = new ConfidentialTexts(contract);
    texts.stored(change({ id: "one", writes: { "account/1": holder("Amara Okafor"), "note/1": "no JSON" } }));
    expect(finds(texts, "Amara Okafor")).toBe(false);
    texts.decided([verified("one")]);
    expect(finds(texts, "Amara Okafor")).toBe(true);
    texts.stored(change({ id: "two", writes: { "account/1": holder("Benedikt Moretti") } }));
    expect(finds(texts, "Benedikt Moretti")).toBe(false);
    texts.decided([verified("two")]);
    expect([finds(texts, "Amara Okafor"), finds(texts, "Benedikt Moretti")]).toEqual([false, true]);
    texts.stored(change({ id: "three", writes: { "account/1": null } }));
    texts.decided([verified("three")]);
    expect(finds(texts, "Benedikt Moretti")).toBe(false);
  });

  it("ends with the last verified text also when pending changes change it there and back", () => {
    const texts = new ConfidentialTexts(contract);
    texts.stored(change({ id: "one", writes: { "account/1": holder("Amara Okafor") } }));
    texts.decided([verified("one")]);
    texts.stored(change({ id: "two", writes: { "account/1": holder("Benedikt Moretti") } }));
    texts.stored(change({ id: "three", writes: { "account/1": holder("Amara Okafor") } }));
    texts.decided([verified("two"), verified("three")]);
    expect([finds(texts, "Amara Okafor"), finds(texts, "Benedikt Moretti")]).toEqual([true, false]);
  });

  it("is the same after a restore from its checkpoint, whatever was pending", () => {
    const texts = new ConfidentialTexts(contract);
    for (let index = 0; index < 9_000; index++) {
      texts.stored(change({ id: `id ${index}`, writes: { [`account/${index}`]: holder(`Customer number ${index}`) } }));
      texts.decided([verified(`id ${index}`)]);
    }
    texts.stored(change({ id: "pending", writes: { "account/5": holder("Carolina Petrenko") } }));
    const copy = copyOf(texts);
    const text = (of: ConfidentialTexts) => [...of.save()].map((part) => Buffer.from(part).toString());
    expect(text(copy)).toEqual(text(texts));
    copy.decided([verified("pending")]);
    expect([finds(copy, "Carolina Petrenko"), finds(copy, "Customer number 5000")]).toEqual([true, true]);
    expect(finds(copy, "Customer number 8999")).toBe(true);
  });

  it("ends with the last verified texts when its checkpoint was made bit by bit while texts changed there and back", () => {
    const texts = new ConfidentialTexts(contract);
    const name = (round: number) => `${round % 2 === 0 ? "Amara Okafor" : "Benedikt Moretti"}`;
    const tell = (to: ConfidentialTexts, round: number) => {
      to.stored(change({ id: `round ${round}`, writes: { "account/20000": holder(name(round)) } }));
      if (round > 0) to.decided([verified(`round ${round - 1}`)]);
    };
    for (let index = 0; index < 20_001; index++) {
      texts.stored(change({ id: `id ${index}`, writes: { [`account/${index}`]: holder(`Customer number ${index}`) } }));
      texts.decided([verified(`id ${index}`)]);
    }
    tell(texts, 0);
    const parts: Uint8Array[] = [];
    let round = 1;
    for (const part of texts.save()) {
      parts.push(part);
      tell(texts, round++);
    }
    expect(round).toBeGreaterThan(3);
    const copy = new ConfidentialTexts(contract);
    copy.restore(parts);
    for (let again = 1; again < round; again++) tell(copy, again);
    copy.started();
    for (const of of [texts, copy]) {
      of.decided([verified(`round ${round - 1}`)]);
      expect([finds(of, name(round - 1)), finds(of, name(round))]).toEqual([true, false]);
    }
  });

  it("forgets the oldest pending changes first, so that an intruder's inventions cost no more than their limit", () => {
    const texts = new ConfidentialTexts(contract);
    for (let index = 0; index < 40_000; index++)
      texts.stored(change({ id: `id ${index}`, writes: { "account/1": holder(`Invented name ${index}`) } }));
    const size = [...texts.save()].reduce((sum, part) => sum + part.length, 0);
    expect(size).toBeLessThan(8_000_000);
    texts.decided([verified("id 0"), verified("id 39999")]);
    expect([finds(texts, "Invented name 0"), finds(texts, "Invented name 39999")]).toEqual([false, true]);
  });
});
