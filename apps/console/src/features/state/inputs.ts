/** Asked by the page's first paint and by the panel. */
export function listInput(prefix: string) {
  return { prefix: prefix.slice(0, 512), limit: 100 };
}
