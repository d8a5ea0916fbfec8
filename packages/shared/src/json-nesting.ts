/**
 * How deeply a JSON text is nested, without building its value: whoever walks or copies a value by recursion (threads, too)
 * runs out of stack at some ten thousand levels, and a captured server can send that many in few bytes (REQUIREMENTS A34, A36).
 * It does not check whether the text is JSON.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** False when more than `depthMax` arrays and objects are open at once. */
export function isNestedWithin(text: string, depthMax: number): boolean {
  // Each level takes two characters.
  if (text.length <= 2 * depthMax) return true;
  let depth = 0;
  let isInText = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (isInText) {
      if (code === BACKSLASH) index++;
      else if (code === QUOTE) isInText = false;
    } else if (code === QUOTE) isInText = true;
    else if (OPENING.has(code)) {
      if (++depth > depthMax) return false;
    } else if (CLOSING.has(code)) depth--;
  }
  return true;
}
