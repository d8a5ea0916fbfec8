/**
 * The browser that tests and screenshots drive: Debian's Chromium, with everything switched off by which it would talk to
 * anybody but the console.
 */
import { findBrowser } from "../../tooling/setup/browser.mjs";

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
  if (executablePath === undefined) throw new Error("install a browser: sudo apt-get install chromium");
  return { executablePath, args: ARGUMENTS };
}
