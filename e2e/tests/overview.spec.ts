import { Load } from "../cluster/bank.mjs";
import { serversOf, status } from "../cluster/cluster.mjs";
import { waitUntilLive } from "../support/log-in.mjs";
import { expect, test } from "../support/test.ts";

const groups = {
  "traffic-regulator": "Traffic regulator",
  "execution-server": "Execution servers",
  "state-replica": "State replicas",
  "state-master": "State masters",
  "acceptance-test-server": "Acceptance test servers",
  "configuration-manager": "Configuration manager",
} as const;

const requestsPerSecond = 10;

test("the overview shows every component with the numbers of `redoubt status`, live, and says when it is stale", async ({
  page,
  context,
  run,
}) => {
  await page.goto("/");
  await waitUntilLive(page);
  const whole = page.getByText("Every group tolerates the faults it is designed for.");
  await expect(whole).toBeVisible();
  const state = await status(run);
  const topology = page.getByRole("region", { name: "Topology" });
  for (const [component, title] of Object.entries(groups)) {
    const { live, wanted, faultsToleratedNow, faultsToleratedByDesign } = state.degrees[component];
    await expect(topology.getByRole("heading", { name: title, exact: true })).toBeVisible();
    const row = page.getByRole("table", { name: "Fault tolerance" }).getByRole("row", { name: title });
    await expect(row).toContainText(`${live}/${wanted}`);
    await expect(row).toContainText(`${faultsToleratedNow} / ${faultsToleratedByDesign}`);
  }
  for (const { name, pid, hosts = [] } of serversOf(state)) {
    const shown = topology.getByRole("listitem", { name: new RegExp(`^${name} on node-\\d, up, .*process ${pid}$`) });
    await expect(shown, name).toHaveCount(1 + hosts.length);
  }
  await expect(page.getByRole("table", { name: "Nodes" }).getByRole("row")).toHaveCount(1 + state.nodes.length);

  const load = new Load(run.client, { first: 100, last: 200, ratePerSecond: requestsPerSecond });
  const figure = (title: string) => page.locator("dl > div").filter({ has: page.getByText(title, { exact: true }) });
  await expect(figure("Requests per second")).toContainText(/[1-9]\d*\.\d/);
  await expect(figure("Reply latency, p99")).toContainText(/p50 \d/);
  await expect(topology.getByText("dispatched").locator("..")).toContainText(/[1-9]\d*\.\d\/s/);
  await expect(topology.getByText("0/s", { exact: true }), "an edge without traffic while requests pass").toHaveCount(
    0,
  );
  await load.finish();
  const verified = (await status(run)).logs.L2;
  await expect(figure("Requests per second")).toContainText(`L2, verified: ${verified.toLocaleString("en-GB")}`);
  await expect(topology).toContainText(`L2 verified${verified.toLocaleString("en-GB")}`);

  await context.setOffline(true);
  await expect(page.getByText("What follows is stale: the manager has not answered lately.")).toBeVisible();
  const tolerance = page.getByRole("table", { name: "Fault tolerance" });
  await expect(tolerance.getByText("stale")).toHaveCount(Object.keys(groups).length);
  await expect(page.getByRole("table", { name: "Nodes" }).getByText("up", { exact: true })).toHaveCount(0);

  await context.setOffline(false);
  await expect(whole).toBeVisible();
  await waitUntilLive(page);
});
