/**
 * Books an imported statement. **Vulnerable on purpose**, in the way real services were: the metadata of a line, which the
 * client chooses, is merged deeply into a settings object without looking at the keys. A key `__proto__` leads the merge to
 * `Object.prototype`, and from then on every object of this process has whatever the client put there. `openingBalance` is
 * a setting for the bank's own staff, absent from the public operation; `attacks/import-statement.json` supplies it.
 * The acceptance test notices money from nowhere; the polluted process is discarded.
 */
export interface StatementLine {
  readonly date: string;
  readonly text: string;
  readonly amount: number;
  readonly metadata?: Record<string, unknown> | undefined;
}

interface ImportSettings {
  /** The line was imported before and is not to be booked. */
  readonly duplicate?: boolean;
}

/** Settings that the branch's own import tool passes. */
interface BookingSettings {
  /** Cents that a newly opened account begins with. */
  readonly openingBalance?: number;
}

/** Balances after booking every line, in cents; a negative one means that the money is not there. */
export function bookStatement(
  account: { readonly checking: number; readonly savings: number },
  lines: readonly StatementLine[],
  settings: BookingSettings = {},
): { checking: number; savings: number; booked: number } {
  const defaults: ImportSettings = { duplicate: false };
  let booked = 0;
  for (const line of lines) {
    const lineSettings = mergeDeep({ ...defaults }, line.metadata ?? {});
    if (lineSettings.duplicate !== true) booked += line.amount;
  }
  const checking = account.checking + (settings.openingBalance ?? 0) - booked;
  return { checking, savings: account.savings + booked, booked };
}

function mergeDeep(target: Record<string, unknown>, source: Record<string, unknown>): Record<string, unknown> {
  for (const key in source) {
    const value = source[key];
    const existing = target[key];
    if (isPlainObject(value) && isPlainObject(existing)) mergeDeep(existing, value);
    else target[key] = value;
  }
  return target;
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
