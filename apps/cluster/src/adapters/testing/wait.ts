/**
 * Waiting in tests: for a condition, never for a while.
 */

/** Resolves as soon as `condition` is true (polled every 5 ms); rejects after `timeoutMs` naming what was awaited. */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
