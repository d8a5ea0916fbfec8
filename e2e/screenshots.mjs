/**
 * `npm run screenshots`: the pictures of the README, taken of a real cluster with real traffic and real attacks. Takes
 * --data <empty folder> and --port-base <number>, or REDOUBT_DATA and REDOUBT_PORT_BASE.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { Load } from "./cluster/bank.mjs";
import { start, stop } from "./cluster/cluster.mjs";
import { callUntilAnswered, closeConnections } from "./cluster/http.mjs";
import { pause, projectRoot, readPlace, redoubtJson } from "./cluster/place.mjs";
import { attack, craftedBody } from "./support/attack.mjs";
import { browserOptions } from "./support/browser.mjs";
import { logIn, waitUntilLive } from "./support/log-in.mjs";

const SIZE = { width: 1440, height: 900 };
const REQUESTS_PER_SECOND = 25;
/** As long as the lines beside the overview's figures need to become lines. */
const TRAFFIC_MS = 45_000;
const SETTLE_MS = 2_000;
/** The object whose versions are shown: two attacks were aimed at it, and it is paid into now and then. */
const SHOWN_CUSTOMER = 412;
const DEPOSITS = 24;
/** A round of the replicas' scrub, which repairs what was corrupted for the picture. */
const SCRUB_LIMIT_MS = 120_000;

const pictures = join(projectRoot, "docs/images");

/** The last one repeats the first one's body, and is stopped by the signature learned from it. */
const attackers = [
  { client: "kiosk-12", address: "127.9.0.19", customer: 412 },
  { client: "partner-feed", address: "127.9.0.23", customer: 88 },
  { client: "mobile-app", address: "127.9.0.31", customer: 731 },
  { client: "ledger-sync", address: "127.9.0.7", customer: 7 },
  { client: "kiosk-31", address: "127.9.0.44", customer: 412 },
];

/** What administrators decided about the first ones. */
const decisions = [
  { client: "kiosk-12", decision: "confirm", reason: "Crafted metadata, seen at another branch last week" },
  { client: "partner-feed", decision: "release", reason: "Exercise announced by the partner" },
];

/**
 * @param {import("@playwright/test").Page} page
 * @param {string} name of the picture
 */
async function take(page, name) {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(pictures, `${name}.png`), animations: "disabled", caret: "hide" });
  process.stderr.write(`docs/images/${name}.png\n`);
}

/**
 * @param {import("./cluster/place.mjs").Place} place
 * @param {string} url of the client API
 */
async function beAttacked(place, url) {
  for (const { client, address, customer } of attackers) {
    const body = craftedBody.replace('"customer": 7', `"customer": ${customer}`);
    const reply = await attack(place, url, { client, address, body });
    if (reply.status !== 403) throw new Error(`${client}: 403 expected, got ${reply.status} ${reply.text}`);
  }
  const { value: listed } = await redoubtJson(place, ["quarantine", "list"]);
  for (const { client, decision, reason } of decisions) {
    const { requestId } = listed.find((/** @type {{ client: string }} */ entry) => entry.client === client);
    await redoubtJson(place, ["quarantine", decision, requestId, "--reason", reason]);
  }
}

/**
 * Versions worth looking at.
 * @param {{ url: string, key: string }} client
 * @param {number} count
 */
async function payIn(client, count) {
  for (let number = 1; number <= count; number++) {
    const reply = await callUntilAnswered(client, "deposit", {
      customer: SHOWN_CUSTOMER,
      account: "checking",
      amount: 1_000 * number,
    });
    if (reply.status !== 200) throw new Error(`deposit: 200 expected, got ${reply.status} ${reply.text}`);
  }
}

/**
 * @param {import("./cluster/place.mjs").Place} place
 * @param {any} started what `redoubt up` printed
 */
async function takeAll(place, started) {
  const browser = await chromium.launch(await browserOptions());
  const load = new Load(started.client, { first: 1, last: 900, ratePerSecond: REQUESTS_PER_SECOND });
  try {
    const context = await browser.newContext({ viewport: SIZE, deviceScaleFactor: 1, colorScheme: "light" });
    const page = await context.newPage();
    await page.goto(`${started.console.url}/login`);
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await take(page, "login");
    await logIn(page, started.console);
    await payIn(started.client, DEPOSITS / 2);
    await beAttacked(place, started.client.url);
    await payIn(started.client, DEPOSITS / 2);
    await pause(TRAFFIC_MS);
    await take(page, "overview");
    await page.emulateMedia({ colorScheme: "dark" });
    await pause(SETTLE_MS);
    await take(page, "overview-dark");
    await page.emulateMedia({ colorScheme: "light" });
    await page.goto(`${started.console.url}/quarantine`);
    await waitUntilLive(page);
    await page
      .getByRole("row", { name: /ledger-sync/ })
      .getByRole("link")
      .click();
    await page.getByRole("button", { name: "Claim" }).click();
    await page.getByText(/^Claimed by/).waitFor();
    await page.goto(`${started.console.url}/quarantine?state=all`);
    await waitUntilLive(page);
    await page.getByRole("row", { name: /kiosk-12/ }).waitFor();
    await pause(SETTLE_MS);
    await take(page, "quarantine");
    const { value: listed } = await redoubtJson(place, ["quarantine", "list"]);
    const { requestId } = listed.find((/** @type {{ client: string }} */ entry) => entry.client === "mobile-app");
    await page.goto(`${started.console.url}/requests/${requestId}`);
    await waitUntilLive(page);
    await page.getByRole("table", { name: "Hops" }).waitFor();
    await take(page, "request");
    const object = `account/${SHOWN_CUSTOMER}`;
    await redoubtJson(place, ["state", "corrupt", "--server", "state-replica-2", "--object", object]);
    await page.goto(`${started.console.url}/state/${encodeURIComponent(object)}`);
    await waitUntilLive(page);
    await page.getByText("repaired", { exact: true }).first().waitFor({ timeout: SCRUB_LIMIT_MS });
    await pause(SETTLE_MS);
    await take(page, "state");
    // Masters are compared at one and the same slot, which a busy machine hardly gives them under load.
    await load.abandon();
    await page.goto(`${started.console.url}/masters`);
    await waitUntilLive(page);
    await page.getByText("Yes: every row of every table is equal on all masters.").waitFor();
    await take(page, "masters");
    await page.goto(`${started.console.url}/applications`);
    await waitUntilLive(page);
    await take(page, "applications");
  } finally {
    await load.abandon();
    await browser.close();
  }
}

const place = readPlace();
mkdirSync(pictures, { recursive: true });
try {
  const { started } = await start(place);
  await takeAll(place, started);
} finally {
  closeConnections();
  await stop(place);
}
