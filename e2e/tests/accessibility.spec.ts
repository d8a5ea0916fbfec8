import { callUntilAnswered } from "../cluster/http.mjs";
import { waitUntilLive } from "../support/log-in.mjs";
import { expect, expectAccessible, test } from "../support/test.ts";

const pages = {
  "/": "Overview",
  "/quarantine": "Quarantine",
  "/degrees": "Replication degrees",
  // No versions, so that what is looked at are the filters: fifty rows alike take axe-core a long time.
  "/state?show=versions&server=execution-server-99": "State",
  "/state/account%2F1": "account/1",
  "/masters": "Masters",
  "/applications": "Applications",
} as const;
const lookLimitMs = 240_000;
const desk = { width: 1440, height: 900 };
const telephone = { width: 390, height: 844 };

test("overview, requests, quarantine, degrees, state, masters and applications: no fault that axe-core knows of in light and dark, and they fit a telephone", async ({
  page,
  run,
}) => {
  test.setTimeout(lookLimitMs);
  // The page of a whole log has a hundred rows alike; the one of a request has all there is to look at.
  const deposit = await callUntilAnswered(run.client, "deposit", { customer: 2, account: "checking", amount: 100 });
  const request = `/requests/${deposit.headers["redoubt-request-id"]}`;
  for (const [path, title] of [...Object.entries(pages), [request, "deposit"] as const]) {
    await page.setViewportSize(desk);
    await page.goto(path);
    await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
    await waitUntilLive(page);
    await expectAccessible(page, title);
    await page.setViewportSize(telephone);
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    await expect.poll(width, `${title} does not scroll sideways`).toBe(telephone.width);
  }
});
