/**
 * Text that may have come from an attacker, made harmless to eyes: control characters, direction overrides and invisible characters
 * are shown as what they are. (React already keeps markup from being markup.) Pure.
 */

/** Code points nobody can see or that change how others are shown; tab and line feed are not among them. */
const unseen: readonly (readonly [from: number, to: number])[] = [
  [0x00, 0x08], // C0
  [0x0b, 0x1f],
  [0x7f, 0x9f], // DEL, C1
  [0xad, 0xad], // soft hyphen
  [0x61c, 0x61c], // Arabic letter mark
  [0x180e, 0x180e],
  [0x200b, 0x200f], // zero width, direction marks
  [0x2028, 0x202f], // separators, embeddings and overrides
  [0x2060, 0x206f], // isolates
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0000, 0xe007f], // tags
];

/** "\u202e" → "‹U+202E›". */
export function inert(text: string): string {
  let shown = "";
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    shown += isUnseen(codePoint) ? `‹U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}›` : character;
  }
  return shown;
}

function isUnseen(codePoint: number): boolean {
  return unseen.some(([from, to]) => codePoint >= from && codePoint <= to);
}
