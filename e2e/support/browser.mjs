/**
 * The browser that tests and screenshots drive: Debian's Chromium, with everything switched off by which it would talk to
 * anybody but the console.
 */
import { browserRemedy, findBrowser } from "../../tooling/setup/browser.mjs";

/** Root has no sandbox to offer; the others keep a browser from calling its maker or reaching for a graphics card. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Options of Playwright's launch; throws the remedy when there is no browser. */
export async function browserOptions() {
  const executablePath = await findBrowser();
  if (executablePath === undefined) throw new Error(browserRemedy);
  return { executablePath, args: ARGUMENTS };
}
