import type { Digest, RequestId } from "@redoubt/shared";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { FingerprintTable, type Hash, hashOfDigest } from "./fingerprint-table.ts";
import { type NewestVersion, ObjectTable } from "./object-table.ts";

const digestOf = (text: string): Digest => nodeHasher.sha256(new TextEncoder().encode(text));

/** Few distinct hashes, so that they meet; the whole range of partitions and homes, so that probing wraps around. */
const hashes = fc.record({
  high: fc.oneof(fc.constantFrom(0, 0xff_00_00_00, 0xff_ff_ff_ff), fc.nat({ max: 0xffff_ffff })),
  low: fc.oneof(fc.constantFrom(0, 0xff, 0x100, 0xffff_ff00, 0xffff_ffff), fc.nat({ max: 0xffff_ffff })),
});
const numbers = fc.oneof(fc.nat(), fc.constantFrom(0, 0xffff_ffff, 0x1_0000_0000, 2 ** 40 - 1));
const entries = fc.array(fc.tuple(hashes, numbers), { maxLength: 400 });

const fill = (table: FingerprintTable, added: readonly (readonly [Hash, number])[]): FingerprintTable => {
  for (const [hash, number] of added) table.add(hash, number);
  return table;
};

function holdsAll(table: FingerprintTable, added: readonly (readonly [Hash, number])[]): void {
  expect(table.size).toBe(added.length);
  for (const [hash] of added) {
    const mine = added.filter(([other]) => other.high === hash.high && other.low === hash.low);
    const found = [...table.candidates(hash)];
    for (const [, number] of mine) {
      const at = found.indexOf(number);
      expect(at).toBeGreaterThanOrEqual(0);
      found.splice(at, 1);
    }
  }
}

describe("the fingerprint table", () => {
  it("finds every number that was added, as often as it was added", () => {
    fc.assert(
      fc.property(entries, (added) => holdsAll(fill(new FingerprintTable(), added), added)),
      { numRuns: 60 },
    );
  });

  it("is the same after it was given away as parts, which nothing added later changes", () => {
    fc.assert(
      fc.property(entries, entries, (before, after) => {
        const table = fill(new FingerprintTable(), before);
        const parts = table.parts();
        const copies = parts.map((part) => part.slice());
        fill(table, after);
        holdsAll(table, [...before, ...after]);
        expect(parts).toEqual(copies);
        holdsAll(fill(new FingerprintTable(parts), after), [...before, ...after]);
      }),
      { numRuns: 40 },
    );
  });

  it("keeps 100 000 digests in at most 13 bytes each and finds hardly anything else", () => {
    const table = new FingerprintTable();
    for (let index = 0; index < 100_000; index++) table.add(hashOfDigest(digestOf(`id ${index}`)), index);
    for (let index = 0; index < 100_000; index += 97)
      expect(table.candidates(hashOfDigest(digestOf(`id ${index}`)))).toContain(index);
    let strangers = 0;
    for (let index = 0; index < 10_000; index++)
      strangers += table.candidates(hashOfDigest(digestOf(`other ${index}`))).length;
    expect(strangers).toBeLessThan(20);
    expect(table.bytes / 100_000).toBeLessThan(13);
  });

  it("keeps apart keys that were made to collide: all of them are candidates", () => {
    const table = new FingerprintTable();
    const hash = { high: 7, low: 9 };
    for (let number = 0; number < 1_000; number++) table.add(hash, number);
    expect([...table.candidates(hash)].sort((one, other) => one - other)).toEqual(
      Array.from({ length: 1_000 }, (_, number) => number),
    );
  });
});

const newestOf = (record: number, version: number): NewestVersion => ({
  record,
  version,
  epoch: version * 3,
  c1: digestOf(`c1 ${record} ${version}`),
  c2: digestOf(`c2 ${record} ${version}`),
  writer: digestOf(`writer ${record} ${version}`) as string as RequestId,
});

const readRow = (table: ObjectTable, row: number): NewestVersion => ({
  record: table.recordOf(row),
  version: table.versionOf(row),
  epoch: table.epochOf(row),
  c1: table.c1Of(row),
  c2: table.c2Of(row),
  writer: table.writerOf(row),
});

describe("the object table", () => {
  it("keeps of every object what was set last, and so does what is made of its parts", () => {
    const sets = fc.array(fc.tuple(fc.nat({ max: 40 }), fc.nat(), fc.integer({ min: 1, max: 1e9 })), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(sets, sets, (before, after) => {
        const expected = new Map<number, [number, number]>();
        const table = new ObjectTable();
        const setAll = (target: ObjectTable, all: typeof before) => {
          for (const [object, record, version] of all)
            target.set(digestOf(`object ${object}`), newestOf(record, version));
        };
        setAll(table, before);
        const size = table.size;
        const parts = table.parts();
        setAll(table, after);
        const restored = new ObjectTable(size, parts);
        expect(restored.size).toBe(new Set(before.map(([object]) => object)).size);
        setAll(restored, after);
        for (const [object, record, version] of [...before, ...after]) expected.set(object, [record, version]);
        for (const target of [table, restored]) {
          expect(target.size).toBe(expected.size);
          for (const [object, [record, version]] of expected) {
            const row = target.find(digestOf(`object ${object}`)) as number;
            expect(readRow(target, row)).toEqual(newestOf(record, version));
          }
          expect(target.find(digestOf("another"))).toBeUndefined();
        }
      }),
      { numRuns: 40 },
    );
  });

  it("takes records beyond 32 bits and more than one page", () => {
    const table = new ObjectTable();
    for (let object = 0; object < 3_000; object++)
      table.set(digestOf(`${object}`), newestOf(2 ** 33 + object, object + 1));
    const restored = new ObjectTable(table.size, table.parts());
    expect(restored.recordOf(restored.find(digestOf("2999")) as number)).toBe(2 ** 33 + 2_999);
    expect(restored.versionOf(restored.find(digestOf("1024")) as number)).toBe(1_025);
  });
});
