import { recordedProcesses, serversOf, status } from "../cluster/cluster.mjs";
import { waitUntilLive } from "../support/log-in.mjs";
import { expect, test } from "../support/test.ts";

const victim = "state-replica-3";

test("a replica that is killed shows as gone and then as back, without a reload", async ({ page, run }) => {
  const server = serversOf(await status(run)).find(({ name }) => name === victim);
  const recorded = recordedProcesses(run).find(({ name }) => name === victim);
  if (recorded === undefined || recorded.pid !== server?.pid)
    throw new Error(`${victim}: pid ${server?.pid} not recorded`);
  const { pid } = recorded;

  await page.goto("/nodes");
  await waitUntilLive(page);
  const row = page.getByRole("table", { name: "Servers" }).getByRole("row", { name: new RegExp(`^${victim}\\b`) });
  const state = row.getByRole("cell").first();
  await expect(state).toHaveText("up");
  await expect(row.getByRole("cell").last()).toHaveText(String(pid));
  await page.evaluate(() => Reflect.set(window, "loadedOnce", true));

  const gone = state.getByText(/^(suspect|down|starting|unknown)$/).waitFor();
  process.kill(pid, "SIGKILL");
  await gone;
  await expect(state).toHaveText("up");
  await expect(row.getByRole("cell").last()).not.toHaveText(String(pid));
  await expect(row.getByRole("cell").last()).toHaveText(/^\d+$/);
  expect(await page.evaluate(() => Reflect.get(window, "loadedOnce")), "the page was not loaded again").toBe(true);

  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Overview" }).click();
  await expect(page.getByText("Every group tolerates the faults it is designed for.")).toBeVisible();
  const events = page.getByRole("list", { name: "Recent events" });
  await expect(events.getByRole("link", { name: new RegExp(`^${victim} is down: `) })).toBeVisible();
  await expect(events.getByRole("link", { name: `Incident opened: ${victim} is down` })).toHaveCount(1);
  await expect(
    events.getByRole("link", { name: new RegExp(`^Incident closed after .+: ${victim} is down`) }),
  ).toHaveCount(1);
});
