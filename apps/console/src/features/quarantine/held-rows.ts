/**
 * Rows that hold still: while somebody's pointer or focus is in the table, the rows they see neither move nor leave; what is new waits
 * to be let in. Pure.
 */
export interface Held<Row> {
  rows: Row[];
  waiting: number;
}

/** `frozen` is what was shown when the pointer came; null when nobody is there. Contents are always the newest. */
export function holdRows<Row extends { requestId: string }>(
  frozen: readonly Row[] | null,
  latest: readonly Row[],
): Held<Row> {
  if (frozen === null) return { rows: [...latest], waiting: 0 };
  const current = new Map(latest.map((row) => [row.requestId, row]));
  const shown = new Set(frozen.map(({ requestId }) => requestId));
  return {
    rows: frozen.map((row) => current.get(row.requestId) ?? row),
    waiting: latest.filter(({ requestId }) => !shown.has(requestId)).length,
  };
}
