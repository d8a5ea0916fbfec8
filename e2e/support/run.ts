/** What the set-up of a run leaves for its tests: one cluster, one administrator, one session. Travels in the environment. */

export interface BrowserRun {
  readonly data: string;
  readonly portBase: number;
  readonly client: { readonly url: string; readonly key: string };
  readonly console: { readonly url: string; readonly email: string; readonly password: string };
  /** File with the cookies of one log-in. */
  readonly session: string;
}

const VARIABLE = "REDOUBT_BROWSER_RUN";

export function announceRun(run: BrowserRun): void {
  process.env[VARIABLE] = JSON.stringify(run);
}

/** Throws when the set-up has not run. */
export function currentRun(): BrowserRun {
  const text = process.env[VARIABLE];
  if (text === undefined) throw new Error(`${VARIABLE} is not set, expected the set-up of the run to have set it`);
  return JSON.parse(text) as BrowserRun;
}
