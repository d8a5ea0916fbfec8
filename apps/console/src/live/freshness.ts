/** When an answer is too old to be shown as true: three beats of its own rhythm (CONSOLE §1.1). */
export const beatMs = 3000;
const beatsAllowed = 3;

/** `nowMs` null means that the reader's clock is not known yet; then nothing is called stale. */
export function isStale(asOf: string, nowMs: number | null): boolean {
  return nowMs !== null && nowMs - Date.parse(asOf) > beatMs * beatsAllowed;
}
