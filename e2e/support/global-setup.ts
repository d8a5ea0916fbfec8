/**
 * Before the first test: one real cluster with its console, and one log-in whose cookies the tests share. After the last
 * one: the cluster is stopped, whatever the tests did to it.
 */
import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "@playwright/test";
import { freePortBlock } from "../../tooling/setup/ports.mjs";
import { removeData } from "../../tooling/setup/scratch.mjs";
import { start, stop } from "../cluster/cluster.mjs";
import { browserOptions } from "./browser.mjs";
import { logIn } from "./log-in.mjs";
import { announceRun, type BrowserRun } from "./run.ts";

interface ChosenPlace {
  readonly data: string;
  readonly portBase: number;
  /** Removes what was made for this run only. */
  readonly remove: () => void;
}

export default async function setUp(): Promise<() => Promise<void>> {
  const place = await choosePlace();
  const tearDown = async (): Promise<void> => {
    await stop(place);
    place.remove();
  };
  try {
    const run = await startRun(place);
    await saveSession(run);
    announceRun(run);
  } catch (error) {
    await tearDown();
    throw error;
  }
  return tearDown;
}

/** From the environment; else a folder and ports of our own. */
async function choosePlace(): Promise<ChosenPlace> {
  const { REDOUBT_DATA, REDOUBT_PORT_BASE } = process.env;
  if (REDOUBT_DATA !== undefined && REDOUBT_PORT_BASE !== undefined) {
    return { data: REDOUBT_DATA, portBase: Number(REDOUBT_PORT_BASE), remove: () => undefined };
  }
  const data = mkdtempSync(join(tmpdir(), "redoubt-browser-"));
  // Postgres refuses to run as root and then runs as another user, who must be able to enter.
  chmodSync(data, 0o755);
  return {
    data,
    portBase: await freePortBlock(),
    remove: () => removeData(data),
  };
}

async function startRun(place: ChosenPlace): Promise<BrowserRun> {
  const { started } = await start(place);
  const { client, console: access } = started;
  if (typeof access.password !== "string") {
    throw new Error(`${place.data} has been used before, expected an empty folder: its password is shown only once`);
  }
  const { data, portBase } = place;
  return { data, portBase, client, console: access, session: join(data, "browser-session.json") };
}

async function saveSession(run: BrowserRun): Promise<void> {
  const browser = await chromium.launch(await browserOptions());
  try {
    const page = await browser.newPage();
    await logIn(page, run.console);
    await page.context().storageState({ path: run.session });
  } finally {
    await browser.close();
  }
}
