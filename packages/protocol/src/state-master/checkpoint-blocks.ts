/**
 * Plain data as bytes, for checkpoints and snapshots: blocks of any length, cut into parts that fit a message and a
 * record. Maps and sets survive the way through JSON. The file or link below checks that the bytes are what was written.
 */

import { fromUtf8, utf8 } from "@redoubt/shared";

export const PART_BYTES_MAX = 256 * 1024;
const FORMAT = 1;

/** Parts of at most {@link PART_BYTES_MAX}; the first says how to put them together again. */
export function packBlocks(blocks: readonly Uint8Array[]): Uint8Array[] {
  const parts: Uint8Array[] = [utf8(JSON.stringify([FORMAT, ...blocks.map((block) => block.length)]))];
  for (const block of blocks) {
    for (let at = 0; at < block.length; at += PART_BYTES_MAX) parts.push(block.subarray(at, at + PART_BYTES_MAX));
  }
  return parts;
}

/** Throws on parts that were not made by {@link packBlocks} of this format. */
export function unpackBlocks(parts: readonly Uint8Array[]): Uint8Array[] {
  const [format, ...lengths] = JSON.parse(fromUtf8(parts[0] ?? new Uint8Array())) as number[];
  if (format !== FORMAT) throw new RangeError(`checkpoint of format ${format}, expected ${FORMAT}`);
  let next = 1;
  return lengths.map((length) => {
    const block = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const part = parts[next++];
      if (!part || at + part.length > length) throw new RangeError("checkpoint parts do not fit their lengths");
      block.set(part, at);
      at += part.length;
    }
    return block;
  });
}

/** Objects, arrays, texts, numbers, Maps and Sets of them. */
export const packJson = (value: unknown): Uint8Array =>
  utf8(
    JSON.stringify(value, (_key, item: unknown) => {
      if (item instanceof Map) return { $map: [...item] };
      return item instanceof Set ? { $set: [...item] } : item;
    }),
  );

export const unpackJson = (block: Uint8Array): unknown =>
  JSON.parse(fromUtf8(block), (_key, item: unknown) => {
    if (typeof item !== "object" || item === null) return item;
    if ("$map" in item) return new Map(item.$map as [unknown, unknown][]);
    return "$set" in item ? new Set(item.$set as unknown[]) : item;
  });

export const bytesOf = (numbers: Float64Array): Uint8Array =>
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

/** Of bytes that {@link bytesOf} gave on a machine of the same byte order. */
export const numbersOf = (bytes: Uint8Array): Float64Array => new Float64Array(bytes.slice().buffer);
