import { callUntilAnswered } from "../cluster/http.mjs";
import { waitUntilLive } from "../support/log-in.mjs";
import { expect, test } from "../support/test.ts";

const replicas = ["state-replica-1", "state-replica-2", "state-replica-3"];

test("the state explorer shows the versions of account/1 with the same C1 on three replicas", async ({ page, run }) => {
  const deposit = { customer: 1, account: "checking", amount: 4200 };
  const reply = await callUntilAnswered(run.client, "deposit", deposit);
  expect(reply.status, reply.text).toBe(200);
  const requestId = String(reply.headers["redoubt-request-id"]);
  expect(requestId).toMatch(/^[0-9a-f]{64}$/);

  await page.goto("/state");
  await waitUntilLive(page);
  await page.getByLabel("Object name or its beginning").fill("account/1");
  await page.getByRole("button", { name: "Open" }).click();
  await expect(page).toHaveURL("/state/account%2F1");

  const version = page
    .getByRole("table", { name: "Versions" })
    .getByRole("row")
    .filter({ has: page.getByTitle(requestId) });
  await expect(version).toContainText("verified");
  await expect(version).toContainText(/execution-server-\d/);
  const number = (await version.getByRole("rowheader").textContent()) ?? "";

  const grid = page.getByRole("table", { name: "C1 per replica" });
  await expect(grid.getByRole("columnheader")).toHaveText(["Version", ...replicas]);
  const cells = grid
    .getByRole("row")
    .filter({ has: page.getByRole("rowheader", { name: number, exact: true }) })
    .getByRole("cell");
  await expect(cells).toHaveCount(replicas.length);
  await expect(cells.getByTitle(/^[0-9a-f]{64}$/)).toHaveCount(replicas.length);
  const titles = await cells
    .getByTitle(/^[0-9a-f]{64}$/)
    .evaluateAll((found) => found.map((each) => each.getAttribute("title")));
  expect(new Set(titles).size, "one and the same C1").toBe(1);
  await expect(page.getByText(/Replicas disagree|differs/)).toHaveCount(0);
});
