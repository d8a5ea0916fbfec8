/** How texts are compared in the leak check: letters and digits only, lower case, without accents. */
export function normalise(text: string): string {
  if (/^[ -~\s]*$/.test(text)) return text.toLowerCase().replace(/[^a-z0-9]+/g, "");
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "");
}

/** A text of fewer letters and digits than this is too common to be recognised as confidential. */
export const CONFIDENTIAL_LENGTH_MIN = 6;
