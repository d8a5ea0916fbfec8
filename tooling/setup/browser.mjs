/**
 * Finds a browser for the browser tests, or installs Debian's when this process may. It never downloads one from
 * anywhere else.
 */
import { accessSync, constants, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { runToEnd } from "./child.mjs";
import { projectRoot } from "./workspaces.mjs";

const usualPlaces = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const requireFromTests = createRequire(join(projectRoot, "e2e/package.json"));

/** What to tell a person who has no browser and may not install one. */
export const browserRemedy = "install a browser: sudo apt-get install chromium";

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @returns {string | undefined} the browser that Playwright has downloaded for itself, when it has */
function playwrightBrowser() {
  try {
    const { chromium } = requireFromTests("@playwright/test");
    return isExecutable(chromium.executablePath()) ? chromium.executablePath() : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @returns {Promise<string | undefined>} path of a browser's program
 * @throws {Error} when REDOUBT_CHROMIUM names something that cannot be run
 */
export async function findBrowser() {
  const chosen = process.env.REDOUBT_CHROMIUM;
  if (chosen !== undefined && chosen !== "") {
    if (isExecutable(chosen)) return chosen;
    throw new Error(`REDOUBT_CHROMIUM is ${chosen}, which is not a program: set it to a Chromium or leave it unset`);
  }
  return usualPlaces.find(isExecutable) ?? playwrightBrowser();
}

/**
 * Finds a browser; as root on Debian installs one first when there is none.
 * @returns {Promise<string>} path of its program
 * @throws {Error} whose message is the remedy
 */
export async function requireBrowser() {
  const found = await findBrowser();
  if (found !== undefined) return found;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    process.stderr.write("set-up: installing chromium with apt-get\n");
    const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
      await runToEnd("apt-get", ["-qq", ...args], { cwd: projectRoot, show: true, environment });
    }
  }
  const installed = await findBrowser();
  if (installed === undefined) throw new Error(browserRemedy);
  return installed;
}
