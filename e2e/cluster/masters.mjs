/** Masters that lose what they know, on a cluster of its own. Called like run.mjs; takes about three minutes. */
import { checkWipedMaster } from "./master-checks.mjs";
import { runSession } from "./session.mjs";
import { checkMasters } from "./state-checks.mjs";

await runSession([], async ({ checks, place, caller }) => {
  await checkWipedMaster(checks, place, caller);
  await checkMasters(checks, place, "after a master was wiped");
});
