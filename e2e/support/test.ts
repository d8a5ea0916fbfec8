/**
 * The `test` of every file here: logged in, at the console of the run's cluster, and failing when a page throws, or when
 * the content security policy had to refuse something: nothing of ours needs refusing, so it was somebody's payload.
 */
import { AxeBuilder } from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { type BrowserRun, currentRun } from "./run.ts";

interface Fixtures {
  run: BrowserRun;
  /** Collects what went wrong in any page of the test. */
  pageProblems: string[];
}

export const test = base.extend<Fixtures>({
  run: async ({ browserName: _ }, use) => use(currentRun()),
  baseURL: async ({ run }, use) => use(run.console.url),
  storageState: async ({ run }, use) => use(run.session),
  pageProblems: [
    async ({ context }, use) => {
      const problems: string[] = [];
      context.on("weberror", (problem) => problems.push(`thrown: ${problem.error().message}`));
      context.on("console", (message) => {
        if (message.text().includes("Content Security Policy")) problems.push(message.text());
      });
      await use(problems);
      expect(problems, "nothing is thrown in a page and nothing is refused by its policy").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

const accessibilityRules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

/** The page as it stands has no fault that axe-core knows of, in light and in dark. */
export async function expectAccessible(page: Page, what: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const isDark = colorScheme === "dark";
    await expect.poll(() => page.evaluate(() => document.documentElement.classList.contains("dark"))).toBe(isDark);
    const { violations } = await new AxeBuilder({ page }).withTags(accessibilityRules).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
    expect(found, `${what}, ${colorScheme}`).toEqual([]);
  }
}
