/** What to tell a person who has no browser and may not install one. */
export const browserRemedy: string;
/** Path of a Chromium: REDOUBT_CHROMIUM, else Debian's or Google's, else Playwright's own. */
export function findBrowser(): Promise<string | undefined>;
/** Like findBrowser, but installs Debian's as root when there is none, and throws the remedy otherwise. */
export function requireBrowser(): Promise<string>;
