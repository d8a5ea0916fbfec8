/** Digests as bytes: 32 in place of a text of 64 characters, for tables that hold millions. */
import type { Digest } from "@redoubt/shared";

export const DIGEST_BYTES = 32;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const nibble = (code: number): number => (code >= 97 ? code - 87 : code - 48);

/** `digest` is 64 lower-case hexadecimal digits. */
export function writeDigest(bytes: Uint8Array, at: number, digest: string): void {
  for (let index = 0; index < DIGEST_BYTES; index++) {
    const high = nibble(digest.charCodeAt(index * 2));
    bytes[at + index] = (high << 4) | nibble(digest.charCodeAt(index * 2 + 1));
  }
}

export function readDigest(bytes: Uint8Array, at: number): Digest {
  let text = "";
  for (let index = 0; index < DIGEST_BYTES; index++) text += HEX[bytes[at + index] as number];
  return text as Digest;
}

export function isDigestAt(bytes: Uint8Array, at: number, other: Uint8Array, otherAt: number): boolean {
  for (let index = 0; index < DIGEST_BYTES; index++) if (bytes[at + index] !== other[otherAt + index]) return false;
  return true;
}

/** Twice as large, with the same content. */
export function grown(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length * 2);
  larger.set(bytes);
  return larger;
}
