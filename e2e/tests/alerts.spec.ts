import { attack, reworded } from "../support/attack.mjs";
import { waitUntilLive } from "../support/log-in.mjs";
import { expect, test } from "../support/test.ts";
import { openWebhookReceiver } from "../support/webhook-receiver.ts";

test("a webhook is told nothing but its code until verified, then tests and alerts, each in the delivery log", async ({
  page,
  run,
}) => {
  const receiver = await openWebhookReceiver();
  try {
    await page.goto("/alerts");
    await waitUntilLive(page);
    await page.getByLabel("Channel").selectOption("Webhook");
    await page.getByLabel("Webhook URL").fill(receiver.url);
    await page.getByRole("button", { name: "Subscribe" }).click();
    const subscription = page
      .getByRole("table", { name: "Subscriptions" })
      .getByRole("row")
      .filter({ hasText: receiver.url });
    await expect(subscription).toContainText("unverified");
    await expect.poll(() => receiver.received.length).toBe(1);
    const [{ purpose, code = "", isSigned } = { purpose: "nothing", isSigned: false }] = receiver.received;
    expect({ purpose, isSigned }).toEqual({ purpose: "verification", isSigned: true });

    await page.getByLabel(`Verification code for ${receiver.url}`).fill(code === "000000" ? "000001" : "000000");
    await subscription.getByRole("button", { name: "Verify" }).click();
    await expect(subscription.getByRole("alert")).toContainText("not the code");
    await page.getByLabel(`Verification code for ${receiver.url}`).fill(code);
    await subscription.getByRole("button", { name: "Verify" }).click();
    await expect(subscription).toContainText("active");

    await page.getByRole("button", { name: `Send a test to ${receiver.url}` }).click();
    await expect.poll(() => receiver.received.map((each) => each.purpose)).toContain("test");

    const reply = await attack(run, run.client.url, {
      client: "wendy",
      address: "127.9.0.37",
      body: reworded("wendy"),
    });
    expect(reply.status, reply.text).toBe(403);
    await expect.poll(() => receiver.received.map(({ event }) => event?.kind)).toContain("quarantine.added");
    expect(receiver.received.filter((each) => !each.isSigned)).toEqual([]);

    const log = page.getByRole("table", { name: "Deliveries" }).getByRole("row").filter({ hasText: receiver.url });
    for (const each of ["verification", "test", "event"]) {
      await expect(log.filter({ hasText: each }).first()).toContainText("sent");
      await expect(log.filter({ hasText: each }).first()).toContainText("204");
    }
    await page.getByRole("button", { name: `Remove ${receiver.url}` }).click();
    await expect(subscription).toHaveCount(0);
  } finally {
    await receiver.close();
  }
});
