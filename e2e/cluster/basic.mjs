/**
 * The basic profile, with acceptance test servers of their own, on a cluster of its own: contract, attack, end of an
 * acceptance test server under load. Called like run.mjs; takes about two minutes.
 */
import { checkAttack } from "./attack-check.mjs";
import { checkContract } from "./contract-checks.mjs";
import { checkKillsUnderLoad } from "./fault-checks.mjs";
import { runSession } from "./session.mjs";
import { checkStatus, checkVersions } from "./state-checks.mjs";

const FLAGS = ["--profile", "basic"];

await runSession(FLAGS, async ({ checks, place, caller }) => {
  const { requestId } = await checkContract(checks, caller);
  await checkStatus(checks, place, "basic");
  await checkVersions(checks, place, requestId);
  await checkAttack(checks, place, caller);
  await checkKillsUnderLoad(checks, place, caller, ["an acceptance test server"]);
});
