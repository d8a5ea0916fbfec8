import { expect, expectAccessible, test } from "../support/test.ts";

test.use({ storageState: { cookies: [], origins: [] } });

test("no page is shown without log-in, a wrong password is refused, the right one opens the overview", async ({
  page,
  run,
}) => {
  const { email, password } = run.console;
  for (const path of ["/", "/nodes", "/degrees", "/quarantine", "/state/account%2F1", "/alerts", "/audit"]) {
    await page.goto(path);
    await expect(page, `${path} without log-in`).toHaveURL("/login");
  }
  const unasked = await page.request.get("/api/trpc/cluster.status");
  expect(unasked.status(), "an answer of the manager without log-in").toBe(401);
  expect(await unasked.text()).not.toContain("state-replica");
  await expectAccessible(page, "log-in");

  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(`${password}!`);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByText("E-mail address or password is wrong.")).toBeVisible();
  await expect(page).toHaveURL("/login");

  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { name: "Overview", level: 1 })).toBeVisible();
  await expect(page).toHaveURL("/");

  await page.getByRole("button", { name: "Your account" }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await expect(page).toHaveURL("/login");
  await page.goto("/quarantine");
  await expect(page, "after log-out").toHaveURL("/login");
});
