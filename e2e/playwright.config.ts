/** Browser tests: one real cluster, one browser, one test after the other. */
import { defineConfig } from "@playwright/test";
import { browserOptions } from "./support/browser.mjs";

const minuteMs = 60_000;

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  globalSetup: "./support/global-setup.ts",
  // They share a cluster, and what one of them does to it is for the others to see.
  workers: 1,
  fullyParallel: false,
  retries: 0,
  forbidOnly: true,
  timeout: 2 * minuteMs,
  expect: { timeout: minuteMs },
  reporter: "list",
  use: {
    launchOptions: await browserOptions(),
    viewport: { width: 1440, height: 900 },
    actionTimeout: minuteMs,
    navigationTimeout: minuteMs,
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
  },
});
