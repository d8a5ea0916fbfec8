import type { Locator, Page } from "@playwright/test";
import { recordedProcesses, serversOf, status } from "../cluster/cluster.mjs";
import { waitUntilLive } from "../support/log-in.mjs";
import type { BrowserRun } from "../support/run.ts";
import { expect, test } from "../support/test.ts";

const victim = "state-replica-3";
const GONE_LIMIT_MS = 20_000;
const masters = ["state-master-1", "state-master-2", "state-master-3"];

test("a replica and a master that are killed show as gone and then as back, without a reload", async ({
  page,
  run,
}) => {
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

  await end(run, { name: victim, pid }, state);
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

  await expectMasters(page, run);
});

/** Resolves when it is shown as gone, or is gone: it may be back before the page has shown it. The events tell both. */
async function end(run: BrowserRun, { name, pid }: { name: string; pid: number }, shownIn: Locator): Promise<void> {
  const shown = shownIn
    .getByText(/^(suspect|down|starting|unknown)$/)
    .first()
    .waitFor();
  const other = async (): Promise<void> => {
    const pidNow = () => recordedProcesses(run).find((each) => each.name === name)?.pid;
    await expect.poll(pidNow, { timeout: GONE_LIMIT_MS }).not.toBe(pid);
  };
  process.kill(pid, "SIGKILL");
  await Promise.any([shown, other()]);
}

/** Masters page: leader, slots, databases, placement; one that does not lead is killed, and is level again afterwards. */
async function expectMasters(page: Page, run: BrowserRun): Promise<void> {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Masters" }).click();
  const headline = page.getByText(/^state-master-\d leads\. 3 masters of 3 are up, 2 must agree: 1 more may fail\.$/);
  await expect(headline).toBeVisible();
  const table = page.getByRole("table", { name: "State masters" });
  await expect(table.getByRole("row")).toHaveCount(1 + masters.length);
  await expect(table.getByText("leader", { exact: true })).toHaveCount(1);
  await expect(table.getByText("level", { exact: true })).toHaveCount(masters.length);
  await page.getByRole("button", { name: "Compare now" }).click();
  await expect(page.getByText("Yes: every row of every table is equal on all masters.")).toBeVisible();
  const placement = page.getByRole("table", { name: "Placement" }).getByRole("row").nth(1);
  await expect(placement).toContainText(/0 to \d+/);
  await expect(placement).toContainText(/execution-server-\d/);
  await expect(placement.getByRole("listitem")).toHaveText(["state-replica-1", "state-replica-2", "state-replica-3"]);
  await expect(placement).toContainText("1 / 1");
  await expect(page.getByRole("table", { name: "Scrub" }).getByRole("row")).toHaveCount(4);

  const led = await table.getByRole("row").filter({ hasText: "leader" }).getByRole("rowheader").textContent();
  const follower = masters.find((name) => name !== led);
  const recorded = recordedProcesses(run).find(({ name }) => name === follower);
  if (follower === undefined || recorded === undefined) throw new Error(`no process of ${follower} is recorded`);
  const row = table.getByRole("row", { name: new RegExp(`^${follower}\\b`) });
  await end(run, recorded, row);
  await expect(row.getByRole("cell").first()).toHaveText("up");
  await expect(row.getByText("level", { exact: true })).toBeVisible();
  await expect(headline).toBeVisible();
}
