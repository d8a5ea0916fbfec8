/** What a person does first. */

/** @typedef {{ url: string, email: string, password: string }} ConsoleAccess */

const LIMIT_MS = 60_000;

/**
 * Logs in through the page and waits until the overview is live.
 * @param {import("@playwright/test").Page} page
 * @param {ConsoleAccess} access
 */
export async function logIn(page, { url, email, password }) {
  await page.goto(`${url}/login`, { timeout: LIMIT_MS });
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor({ timeout: LIMIT_MS });
  await waitUntilLive(page);
}

/**
 * From here on the page hears of everything that happens.
 * @param {import("@playwright/test").Page} page
 */
export async function waitUntilLive(page) {
  await page.getByText("Live", { exact: true }).waitFor({ timeout: LIMIT_MS });
}
