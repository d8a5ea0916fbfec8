/** The bytes of an untrusted request as text, as hex and decoded, never as anything a browser would act on. Pure. */
import { inert } from "../../text/inert.ts";

export interface Segment {
  /** Offset of its first byte. */
  from: number;
  text: string;
  /** Why these bytes matter; null for the rest. */
  why: string | null;
}

export interface Match {
  from: number;
  to: number;
  why: string;
}

/** Enough for any judgement; a page with megabytes of attacker text helps nobody. */
export const shownBytesMax = 64 * 1024;
const bytesPerLine = 16;

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** UTF-8 with what is not valid or not visible shown as such, cut at the edges of the matches. */
export function textSegments(bytes: Uint8Array, matches: readonly Match[]): Segment[] {
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  const segments: Segment[] = [];
  let position = 0;
  const take = (until: number, why: string | null) => {
    if (until <= position) return;
    segments.push({ from: position, text: inert(decoder.decode(bytes.subarray(position, until))), why });
    position = until;
  };
  for (const { from, to, why } of matches.toSorted((one, other) => one.from - other.from)) {
    take(Math.min(from, bytes.length), null);
    take(Math.min(to, bytes.length), why);
  }
  take(bytes.length, null);
  return segments;
}

export interface HexLine {
  offset: string;
  hex: string;
  text: string;
}

export function hexLines(bytes: Uint8Array): HexLine[] {
  const lines: HexLine[] = [];
  for (let offset = 0; offset < bytes.length; offset += bytesPerLine) {
    const line = bytes.subarray(offset, offset + bytesPerLine);
    const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, "0"));
    lines.push({
      offset: offset.toString(16).padStart(6, "0"),
      hex: `${hex.slice(0, 8).join(" ")}  ${hex.slice(8).join(" ")}`.padEnd(bytesPerLine * 3 + 1),
      text: Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·")).join(""),
    });
  }
  return lines;
}

/** Indented JSON, or why there is none. */
export function decoded(bytes: Uint8Array, contentType: string): { text: string } | { problem: string } {
  if (!/\bjson\b/.test(contentType)) return { problem: `Nothing is known about decoding ${inert(contentType)}.` };
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return { text: inert(JSON.stringify(value, null, 2)) };
  } catch (error) {
    return { problem: `It is not valid JSON: ${inert(error instanceof Error ? error.message : String(error))}` };
  }
}
