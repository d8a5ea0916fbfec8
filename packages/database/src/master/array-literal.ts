/**
 * Postgres array literals. `unnest` takes one array per column and flattens nested ones, so a column that is itself an
 * array travels as text in this form and is cast back (`'{a,b}'::text[]`).
 */

export function textArrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

export function bigintArrayLiteral(values: readonly bigint[]): string {
  return `{${values.join(",")}}`;
}
