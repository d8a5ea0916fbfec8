import type { ChangeSummary, Digest, PromisedMessage } from "@redoubt/shared";
import { describe, expect, it } from "vitest";
import { PromisedPages } from "./promised-pages.ts";

const summary = (serial: number) => ({ serial }) as ChangeSummary;
const listingOf = (name: string) => name.repeat(64) as Digest;

function promised(serials: readonly number[], page?: PromisedMessage["page"]): PromisedMessage {
  const undecided = serials.map(summary);
  return { kind: "promised", epoch: 2, clusters: [], undecided, appliedThrough: 2, ...(page ? { page } : {}) };
}

const paged = (name: string, index: number, count: number, serials: readonly number[]) =>
  promised(serials, { listing: listingOf(name), index, count });

describe("pages of a promised list", () => {
  it("are a list when all are here, in their order, however they came", () => {
    const pages = new PromisedPages();
    expect(pages.take("a", paged("1", 2, 3, [5]))).toBeUndefined();
    expect(pages.take("a", paged("1", 0, 3, [1, 2]))).toBeUndefined();
    expect(pages.take("a", paged("1", 0, 3, [1, 2]))).toBeUndefined();
    expect(pages.take("b", paged("1", 1, 3, [9]))).toBeUndefined();
    expect(pages.take("a", paged("1", 1, 3, [3, 4]))?.map(({ serial }) => serial)).toEqual([1, 2, 3, 4, 5]);
  });

  it("of different listings are never put together", () => {
    const pages = new PromisedPages();
    expect(pages.take("a", paged("1", 0, 2, [1]))).toBeUndefined();
    expect(pages.take("a", paged("2", 1, 2, [3]))).toBeUndefined();
    expect(pages.take("a", paged("1", 1, 2, [2]))).toBeUndefined();
    expect(pages.take("a", paged("1", 0, 2, [1]))?.map(({ serial }) => serial)).toEqual([1, 2]);
  });

  it("that cannot be are nothing, and a list in one message stands for itself", () => {
    const pages = new PromisedPages();
    for (const [index, count] of [
      [0, 0],
      [1, 1],
      [-1, 2],
      [0.5, 2],
      [0, 1_000],
      [0, Number.NaN],
    ] as const)
      expect(pages.take("a", paged("1", index, count, [1]))).toBeUndefined();
    expect(pages.take("a", promised([]))).toEqual([]);
  });
});
