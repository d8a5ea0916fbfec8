import { waitUntilLive } from "../support/log-in.mjs";
import { expect, expectAccessible, test } from "../support/test.ts";

const pages = { "/": "Overview", "/quarantine": "Quarantine", "/degrees": "Replication degrees" } as const;

test("overview, quarantine and degrees have no fault that axe-core knows of, in light and in dark", async ({
  page,
}) => {
  for (const [path, title] of Object.entries(pages)) {
    await page.goto(path);
    await expect(page.getByRole("heading", { name: title, level: 1 })).toBeVisible();
    await waitUntilLive(page);
    await expectAccessible(page, title);
  }
});
