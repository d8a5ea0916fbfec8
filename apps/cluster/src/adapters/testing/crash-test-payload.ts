/**
 * Payloads that both sides of the journal's crash test can compute, and the seeded numbers that choose when to kill.
 */
import { createHash } from "node:crypto";

/** The payload of record number `sequence`: 5 … 3 100 bytes that depend on nothing else. */
export function crashTestPayload(sequence: number): Buffer {
  const digest = createHash("sha256").update(String(sequence)).digest();
  const length = 5 + (digest.readUInt32LE(0) % 3_096);
  return Buffer.alloc(length, digest);
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
