import type { Page } from "@playwright/test";
import { ApplicationFolders, HELD_STATEMENTS } from "../cluster/application-folders.mjs";
import { redoubtJson } from "../cluster/place.mjs";
import { attack, reworded } from "../support/attack.mjs";
import { tabTo } from "../support/keyboard.ts";
import { waitUntilLive } from "../support/log-in.mjs";
import type { BrowserRun } from "../support/run.ts";
import { expect, test } from "../support/test.ts";

const shownLimitMs = 2_000;
const deployLimitMs = 60_000;

const rowOf = (page: Page, client: string) =>
  page.getByRole("table", { name: "Quarantine" }).getByRole("row").filter({ hasText: client });

test("an attack is on the open quarantine page within two seconds of its 403, without a reload", async ({
  page,
  run,
}) => {
  const client = "mallory";
  await page.goto("/quarantine");
  await waitUntilLive(page);
  await page.evaluate(() => Reflect.set(window, "loadedOnce", true));

  const row = rowOf(page, client);
  const [reply, shownAtMs] = await Promise.all([
    attack(run, run.client.url, { client, address: "127.9.0.7" }),
    row.waitFor().then(() => performance.now()),
  ]);
  expect(reply.status, reply.text).toBe(403);
  const delayMs = Math.round(shownAtMs - reply.answeredAtMs);
  test.info().annotations.push({ type: "shown after the 403", description: `${delayMs} ms` });
  expect(delayMs, "milliseconds from the 403 to the row").toBeLessThanOrEqual(shownLimitMs);
  expect(await page.evaluate(() => Reflect.get(window, "loadedOnce")), "the page was not loaded again").toBe(true);

  await expect(row).toContainText("127.9.0.7");
  await expect(row).toContainText("import-statement");
  await expect(row).toContainText("New");
  const { value: listed } = await redoubtJson(run, ["quarantine", "list"]);
  const { check } = listed.find((entry: { client: string }) => entry.client === client);
  expect(check, "the failed check is named").toMatch(/[a-z]{3}/);
  await expect(row).toContainText("Acceptance test");
  await expect(row.getByTitle(check), "the failed check in words").toHaveText(/^[a-z ]{3,}$/);
  const pages = page.getByRole("navigation", { name: "Pages" });
  await expect(pages.getByRole("link", { name: "Quarantine" })).toContainText(/[1-9]\d* open/);

  await pages.getByRole("link", { name: "Overview" }).click();
  const events = page.getByRole("list", { name: "Recent events" });
  await expect(events.getByText(/Quarantined .*mallory from 127\.9\.0\.7/)).toBeVisible();
  await expect(events.getByText(/Blocked 127\.9\.0\.7 and client mallory/)).toBeVisible();
  const malformed = page.locator("dl > div").filter({ has: page.getByText("Malformed (L1)", { exact: true }) });
  await expect(malformed).toContainText(/[1-9]/);
});

/** Markup, a terminal's escape sequence and a right-to-left override. */
const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>\u001b[31m\u202egnp.exe`;

test("a payload is evidence and nothing else; a confirmation and a release are live everywhere and audited", async ({
  page,
  context,
  run,
}) => {
  const decision = page.getByRole("complementary", { name: "Decision" });
  const title = await test.step("two attacks with markup in them", async () => {
    for (const [client, address] of [
      ["trudy", "127.9.0.17"],
      ["oscar", "127.9.0.18"],
    ] as const) {
      const reply = await attack(run, run.client.url, { client, address, body: reworded(`${client} ${hostile}`) });
      expect(reply.status, reply.text).toBe(403);
    }
    await page.goto("/quarantine");
    await rowOf(page, "trudy").getByRole("link").click();
    await expect(page.getByRole("region", { name: "Verdict" })).toBeVisible();
    return page.title();
  });

  await test.step("every block of evidence is there", async () => {
    await expect(page.getByRole("region", { name: "Verdict" })).toContainText(/Quarantined because .+ failed/);
    for (const name of ["Request", "What it did", "Could it be coincidence?", "History", "Shadow run"]) {
      await expect(page.getByRole("region", { name, exact: true })).toContainText(/\w{3}/);
    }
    for (const consequence of ["If you release", "If you confirm", "If you do nothing"]) {
      await expect(decision.getByRole("heading", { name: consequence })).toBeVisible();
    }
  });

  await test.step("every hop that led here: three servers failed with it, so the request is at fault", async () => {
    await page.getByRole("link", { name: "Every hop of it" }).click();
    const fault = page.getByRole("region", { name: "Who was at fault" });
    await expect(fault).toContainText("The request is malformed");
    const attempts = page.getByRole("table", { name: "Attempts" });
    const servers = await attempts.getByRole("link", { name: /^execution-server-\d/ }).allTextContents();
    expect(new Set(servers).size, servers.join()).toBe(3);
    await expect(attempts.getByText(/failed/).first()).toBeVisible();
    await expect(page.getByRole("list", { name: "Answers" })).toContainText("403");
    await expect(page.getByRole("table", { name: "Hops" })).toContainText("no change of this id can be verified");
    await page.goBack();
    await expect(page.getByRole("region", { name: "Verdict" })).toBeVisible();
  });

  await test.step("the payload is shown inert in all three forms", async () => {
    await page.getByLabel("Why you need to read the payload").fill("looking for the crafted field");
    await page.getByRole("button", { name: "Show payload" }).click();
    const payload = page.getByRole("region", { name: "Request", exact: true });
    for (const form of ["Text", "Decoded"]) {
      await payload.getByRole("tab", { name: form }).click();
      // By name: while one form fades out there are two panels.
      const panel = payload.getByRole("tabpanel", { name: form });
      await expect(panel).toContainText("<img src=x onerror=");
      await expect(panel).toContainText("__proto__");
      const shown = await panel.textContent();
      for (const character of ["\u001b", "\u202e"]) expect(shown, "as it is").not.toContain(character);
    }
    await payload.getByRole("tab", { name: "Hex" }).click();
    await expect(payload.getByRole("tabpanel", { name: "Hex" })).toContainText("000000");
    await expect(page.locator("img[src=x]")).toHaveCount(0);
    expect(await page.title(), "no script of the payload ran").toBe(title);
  });

  const list = await context.newPage();
  await list.goto("/quarantine?state=all");
  await waitUntilLive(list);
  await test.step("a confirmation shows on the other page without a reload", async () => {
    await decision.getByRole("button", { name: "Confirm" }).click();
    await expect(page.getByText("Expected a reason of at least 3 characters.")).toBeVisible();
    await decision.getByLabel("Reason").fill("a real attack");
    await decision.getByRole("button", { name: "Confirm" }).click();
    await expect(decision).toContainText("Decided by");
    await expect(rowOf(list, "trudy")).toContainText("Confirmed");
  });
  await test.step("and so does a release", async () => {
    await page.goto("/quarantine");
    await rowOf(page, "oscar").getByRole("link").click();
    await decision.getByLabel("Reason").fill("a colleague's exercise");
    await decision.getByRole("button", { name: "Release" }).click();
    await expect(decision).toContainText("Released");
    await expect(rowOf(list, "oscar")).toContainText("Released");
  });
  await test.step("the audit log has both and its chain is whole", async () => {
    await list.goto("/audit");
    const log = list.getByRole("table", { name: "Audit log" });
    await expect(log.getByRole("row").filter({ hasText: "a real attack" })).toContainText(run.console.email);
    await expect(log.getByRole("row").filter({ hasText: "a colleague's exercise" })).toContainText("release");
    await expect(log.getByRole("row").filter({ hasText: "looking for the crafted field" })).toBeVisible();
    await list.getByRole("button", { name: "Verify" }).click();
    await expect(list.getByRole("status").filter({ hasText: /chain|intact|entries/i })).toBeVisible();
  });
});

/** Another version is deployed by command; the page shows it without a reload, and leads one step back. */
async function rollBackByKeyboard(page: Page, run: BrowserRun): Promise<void> {
  const folders = new ApplicationFolders();
  const versions = page.getByRole("table", { name: "Versions" });
  const serving = versions.getByRole("row").filter({ hasText: "serves" });
  const dialog = page.getByRole("dialog", { name: "Roll back to version 1" });
  try {
    await page.goto("/applications");
    await waitUntilLive(page);
    await expect(serving).toContainText("bank 1");
    await expect(page.getByText("No version to go back to")).toBeVisible();
    await redoubtJson(run, ["app", "deploy", folders.make(2, [])], { limitMs: deployLimitMs });
    await expect(serving).toContainText("bank 2");
    await expect(page.getByRole("table", { name: "Operations" }).getByRole("row", { name: /^transfer/ })).toContainText(
      "conserves",
    );

    await tabTo(page, page.getByRole("button", { name: "Roll back to version 1" }));
    await page.keyboard.press("Enter");
    await expect(dialog).toContainText("No version of any object is changed or lost.");
    await tabTo(page, dialog.getByLabel("Reason"));
    await page.keyboard.type("rehearsed by keyboard");
    await expect(dialog.getByRole("button", { name: "Roll back to version 1" })).toBeDisabled();
    await tabTo(page, dialog.getByLabel("Type bank 1 to confirm"));
    await page.keyboard.type("bank 1");
    await tabTo(page, dialog.getByRole("button", { name: "Roll back to version 1" }));
    await page.keyboard.press("Enter");
    await expect(dialog).toHaveCount(0);
    await expect(serving).toContainText("bank 1");
    await page.goto("/audit");
    const entry = page.getByRole("table", { name: "Audit log" }).getByRole("row").filter({ hasText: "rehearsed" });
    await expect(entry).toContainText(run.console.email);
  } finally {
    folders.remove();
  }
}

test("a request is found and judged, and a version rolled back, with the keyboard alone", async ({ page, run }) => {
  const client = "eve";
  const decision = page.getByRole("complementary", { name: "Decision" });
  const reply = await attack(run, run.client.url, { client, address: "127.9.0.27", body: reworded(client) });
  expect(reply.status, reply.text).toBe(403);
  await page.goto("/");
  await waitUntilLive(page);

  await tabTo(page, page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: /^Quarantine/ }));
  await page.keyboard.press("Enter");
  await tabTo(page, rowOf(page, client).getByRole("link"));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/quarantine\/[0-9a-f]{64}$/);
  await tabTo(page, decision.getByLabel("Reason"));
  await page.keyboard.type("found and judged by keyboard");
  await tabTo(page, decision.getByRole("button", { name: "Confirm" }));
  await page.keyboard.press("Enter");
  await expect(decision).toContainText("found and judged by keyboard");
  await expect(decision).toContainText("Confirmed");
  await rollBackByKeyboard(page, run);
});

test("a held request says until when; its page rejects one for good, and releases one, which fails again", async ({
  page,
  context,
  run,
}) => {
  const folders = new ApplicationFolders();
  const decision = page.getByRole("complementary", { name: "Decision" });
  const list = await context.newPage();
  const decide = async (client: string, button: "Confirm" | "Release") => {
    await page.goto("/quarantine");
    await rowOf(page, client).getByRole("link").click();
    await expect(decision).toContainText(/Held until .+: its client waits\. Then it is rejected for good\./);
    await expect(decision).toContainText(/It is held until .+ and rejected then; nothing is ever released by itself\./);
    await expect(decision.getByRole("checkbox"), "a held one always runs when it is released").toHaveCount(0);
    await decision.getByLabel("Reason").fill(`${client} was asked`);
    await decision.getByRole("button", { name: button }).click();
  };
  try {
    await test.step("two that are held", async () => {
      await redoubtJson(run, ["app", "deploy", folders.make(3, HELD_STATEMENTS)], { limitMs: deployLimitMs });
      for (const [client, address] of [
        ["peggy", "127.9.0.47"],
        ["victor", "127.9.0.48"],
      ] as const) {
        const reply = await attack(run, run.client.url, { client, address, body: reworded(client) });
        expect(reply.status, reply.text).toBe(202);
      }
      await list.goto("/quarantine?state=all");
      await waitUntilLive(list);
      for (const client of ["peggy", "victor"]) await expect(rowOf(list, client)).toContainText(/New.*held until \d/);
    });
    await test.step("confirmed, it is held no longer, on either page", async () => {
      await decide("peggy", "Confirm");
      await expect(decision).toContainText("Confirmed");
      await expect(decision).not.toContainText("Held until");
      await expect(rowOf(list, "peggy")).toContainText("Confirmed");
      await expect(rowOf(list, "peggy")).not.toContainText("held until");
    });
    await test.step("released, it runs, fails again, and is there to be judged as one that was rejected", async () => {
      await decide("victor", "Release");
      await expect(rowOf(list, "victor")).not.toContainText("held until");
      await expect(rowOf(list, "victor")).toContainText("New");
      await expect(decision).toContainText("It stays quarantined; nothing is ever released by itself.");
      await expect(decision).not.toContainText("Held until");
      await expect(decision.getByRole("checkbox", { name: "Run the request again as well" })).toBeVisible();
    });
  } finally {
    folders.remove();
    await redoubtJson(run, ["app", "rollback"], { limitMs: deployLimitMs });
  }
});
