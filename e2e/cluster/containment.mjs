/**
 * What one request and what captured servers can do at most, on a cluster of its own with an application that ends or hangs
 * on a word (e2e/frail): poison among many good requests, a hang, an acceptance test that does not end, requests held for a
 * person, a flood, an attack aimed at one client. Called with
 * `--data <empty folder> --port-base <number> [--attempts <n>] [--json]`; ends with one line of JSON with the counts.
 */
import { checkFlood } from "./flood-check.mjs";
import { checkHang } from "./hang-check.mjs";
import { checkHold } from "./hold-check.mjs";
import { checkOneClient } from "./one-client-check.mjs";
import { projectRoot } from "./place.mjs";
import { checkPoison } from "./poison-check.mjs";
import { setScene } from "./scenes.mjs";
import { runSession } from "./session.mjs";
import { checkUntestable } from "./untestable-check.mjs";

/** How many attacks on the one client: more in the full suite. */
const flag = process.argv.indexOf("--attempts");
const attempts = flag < 0 ? 20 : Number(process.argv[flag + 1]);

await runSession(["--app", `${projectRoot}e2e/frail`], async ({ checks, place, caller }) => {
  await checkPoison(checks, place, caller, {
    operation: "end-worker",
    ends: "its worker",
    client: "poisoner-of-workers",
    address: "127.9.0.11",
    counter: 399,
  });
  await checkHang(checks, place, caller);
  await checkUntestable(checks, place, caller);
  await checkHold(checks, place, caller);
  await checks.check("every execution server is replaced by one whose shell has a hole", () => setScene(place, "S1"));
  await checkPoison(checks, place, caller, {
    operation: "end-server",
    ends: "the whole execution server",
    client: "poisoner-of-servers",
    address: "127.9.0.12",
    counter: 400,
  });
  await checkFlood(checks, place, caller);
  await checkOneClient(checks, place, caller, attempts);
});
