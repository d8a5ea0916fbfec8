import type { Page } from "@playwright/test";
import { callUntilAnswered } from "../cluster/http.mjs";
import { waitUntilLive } from "../support/log-in.mjs";
import { expect, test } from "../support/test.ts";

const replicas = ["state-replica-1", "state-replica-2", "state-replica-3"];

/** The page of one request that went well: every server's part in it, with its time. */
async function seeEveryHop(page: Page, requestId: string, server: string): Promise<void> {
  await expect(page).toHaveURL(`/requests/${requestId}`);
  const hops = page.getByRole("table", { name: "Hops" });
  const hop = (name: string, event: string) => hops.getByRole("row", { name: new RegExp(`\\d ms ${name} ${event}`) });
  await expect(hop(server, "dispatched")).toContainText("attempt 1 in epoch");
  for (const replica of replicas) await expect(hop(replica, "stored")).toContainText("is durable");
  await expect(hop("traffic-regulator-1", "answered")).toContainText("200, released");
  await expect(hop("state masters", "verified")).toContainText(/in slot \d+; counted the tests of state-replica-\d/);
  await expect(page.getByRole("table", { name: "Attempts" }).getByText(/^state-replica-\d passed$/)).toHaveCount(2);
  await expect(page.getByRole("list", { name: "Answers" })).toContainText("200");
  await expect(page.getByText("Who was at fault")).toHaveCount(0);
  await expect(page.getByText("Not all of it is known")).toHaveCount(0);

  // The parts are the whole: what the phases took is what the client waited.
  const sum = page.getByRole("paragraph").filter({ hasText: "from admission to the answer" });
  const total = Number.parseFloat((await sum.textContent()) ?? "");
  const parts = await page.getByRole("list", { name: "Where the time went" }).getByRole("listitem").allTextContents();
  const took = parts.map((text) => Number.parseFloat(text.match(/([\d.]+) ms$/)?.[1] ?? "NaN"));
  expect(Math.abs(took.reduce((all, each) => all + each, 0) - total), `${parts} of ${total} ms`).toBeLessThan(1);

  // From anywhere by the first digits of its id, and on to what it wrote.
  const box = page.getByRole("searchbox", { name: "Find a request or an object" });
  await page.goto("/masters");
  await waitUntilLive(page);
  await page.keyboard.press("/");
  await expect(box).toBeFocused();
  await page.keyboard.type(`${requestId.slice(0, 12)}\n`);
  await expect(page).toHaveURL(`/requests/${requestId}`);
  const versions = page.getByRole("table", { name: "Versions written" });
  await expect(versions.getByRole("row", { name: /account\/1/ })).toContainText("3 replicas alike");
  await versions.getByRole("link", { name: "account/1" }).click();
  await expect(page.getByRole("region", { name: /^Version \d/ }).getByTitle(requestId)).toBeVisible();
}

test("a version is found by object, request and server as it is made, with every hop of its request and the same C1 on three replicas", async ({
  page,
  run,
}) => {
  const deposit = async (): Promise<string> => {
    const input = { customer: 1, account: "checking", amount: 4200 };
    const reply = await callUntilAnswered(run.client, "deposit", input);
    expect(reply.status, reply.text).toBe(200);
    return String(reply.headers["redoubt-request-id"]);
  };
  const rowOf = (table: string, requestId: string) =>
    page
      .getByRole("table", { name: table, exact: true })
      .getByRole("row")
      .filter({ has: page.getByTitle(requestId) });

  // The newest versions are live: this one appears on a page that is open already.
  await page.goto("/state?show=versions");
  await waitUntilLive(page);
  await page.evaluate(() => Reflect.set(window, "loadedOnce", true));
  const requestId = await deposit();
  expect(requestId).toMatch(/^[0-9a-f]{64}$/);
  await expect(rowOf("Versions", requestId)).toContainText("account/1");
  await expect(rowOf("Versions", requestId)).toContainText(/execution-server-\d/);
  const server = (await rowOf("Versions", requestId).textContent())?.match(/execution-server-\d/)?.[0] ?? "";

  // By request id: what it changed and nothing else.
  await page.getByLabel("Request id", { exact: true }).fill(requestId.toUpperCase());
  const summary = page.getByRole("region", { name: "The request" });
  await expect(summary).toContainText("deposit");
  await expect(page.getByRole("table", { name: "Versions" }).getByRole("row")).toHaveCount(2);
  expect(await page.evaluate(() => Reflect.get(window, "loadedOnce")), "the page was not loaded again").toBe(true);
  await summary.getByRole("link", { name: "Every hop, verdict and version" }).click();
  await seeEveryHop(page, requestId, server);

  // By server and time.
  await page.goto("/state?show=versions");
  await page.getByLabel("Execution server").selectOption(server);
  await page.getByLabel("Until").fill("2001-01-01T00:00");
  await expect(page.getByText("No version matches")).toBeVisible();
  await page.getByLabel("Until").fill("");
  await expect(rowOf("Versions", requestId)).toBeVisible();

  // By name.
  await page.getByRole("navigation", { name: "What to find" }).getByRole("link", { name: "Objects" }).click();
  await page.getByLabel("Object name or its beginning").fill("account/1");
  await page.getByRole("button", { name: "Find" }).click();
  await expect(page).toHaveURL("/state?prefix=account%2F1");
  await expect(page.getByRole("table", { name: "Objects" }).getByRole("rowheader").first()).toHaveText("account/1");
  await page.getByRole("button", { name: "Open" }).click();
  await expect(page).toHaveURL("/state/account%2F1");

  // The newest verified version is the chosen one: who asked, executed, tested.
  const detail = page.getByRole("region", { name: /^Version \d/ });
  await expect(detail.getByTitle(requestId)).toBeVisible();
  await expect(detail).toContainText("deposit");
  await expect(detail).toContainText(/Tested by.*state-replica-\d/);
  await expect(detail).toContainText("3 of 3 replicas store the same bytes.");

  // A new one joins line and grid without a reload, while the chosen one stays.
  const grid = page.getByRole("table", { name: "C1 per replica" });
  const chosen = grid.getByRole("row").filter({ has: page.getByRole("button", { pressed: true }) });
  const number = Number((await chosen.getByRole("button").textContent())?.split(" ")[0]);
  await chosen.getByRole("button").click();
  await deposit();
  const line = page.getByRole("listbox", { name: "Versions on the line" });
  await expect(line.getByRole("option", { name: new RegExp(`^Version ${number + 1}, .* verified$`) })).toBeVisible();
  await expect(detail.getByRole("heading")).toHaveText(`Version ${number}`);

  // The same C1 everywhere.
  await expect(grid.getByRole("columnheader")).toHaveText(["Version", "Status", ...replicas, "C2", "Decided"]);
  const cells = chosen.getByTitle(/^[0-9a-f]{64}$/);
  await expect(cells, "C1 of three replicas, and C2").toHaveCount(replicas.length + 1);
  const titles = await cells.evaluateAll((found) => found.map((each) => each.getAttribute("title")));
  expect(new Set(titles.slice(0, replicas.length)).size, "one and the same C1").toBe(1);
  await expect(page.getByText(/Copies of .* differ/)).toHaveCount(0);

  // Along the line with the keyboard.
  await line.getByRole("option", { selected: true }).press("ArrowLeft");
  await expect(detail.getByRole("heading")).toHaveText(`Version ${number - 1}`);
  await expect(line.getByRole("option", { selected: true })).toBeFocused();
});
