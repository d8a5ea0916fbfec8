import { status } from "../cluster/cluster.mjs";
import { waitUntilLive } from "../support/log-in.mjs";
import { expect, test } from "../support/test.ts";

const changeLimitMs = 120_000;

test("execution servers go from 3 to 5 and back: previewed first, changed by Apply only, counted as observed", async ({
  page,
  run,
}) => {
  test.setTimeout(3 * changeLimitMs);
  const degree = async () => (await status(run)).degrees["execution-server"];
  const row = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Execution servers" }) });
  const wanted = row.getByRole("spinbutton", { name: "Execution servers" });
  await page.goto("/degrees");
  await waitUntilLive(page);
  await expect.poll(degree).toMatchObject({ wanted: 3, live: 3 });

  await wanted.fill("5");
  await row.getByRole("button", { name: "Preview" }).click();
  const plan = row.getByRole("region", { name: /^Plan / });
  await expect(plan).toContainText("nothing has changed yet");
  await expect(plan).toContainText(/Servers\s*3 →\s*becomes\s*5/);
  await expect(plan).toContainText(/Availability: .+/);
  await expect(plan.getByRole("row", { name: /execution-server-5/ })).toContainText(/node-\d/);
  expect(await degree(), "before Apply").toMatchObject({ wanted: 3, live: 3 });

  for (const count of [5, 3]) {
    if (count === 3) {
      await wanted.fill("3");
      await row.getByRole("button", { name: "Preview" }).click();
    }
    await plan.getByRole("button", { name: "Apply" }).click();
    await expect(row.getByText(`${count} of ${count} live`)).toBeVisible({ timeout: changeLimitMs });
    await expect.poll(degree, { timeout: changeLimitMs }).toMatchObject({ wanted: count, live: count });
    await expect(wanted, "the change is over").toHaveValue(String(count), { timeout: changeLimitMs });
  }
});
