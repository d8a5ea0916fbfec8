/**
 * The whole path on a cluster of its own: contract, status, attack, ends of processes under load, drills, loss of
 * everything at once. Called with `--data <empty folder> --port-base <number> [--json]`; ends with one line of JSON with
 * the counts; takes about five minutes.
 */
import { checkAttack } from "./attack-check.mjs";
import { checkCommands } from "./command-checks.mjs";
import { checkContract } from "./contract-checks.mjs";
import { checkDrills } from "./drill-checks.mjs";
import { checkKillsUnderLoad, checkPowerCut } from "./fault-checks.mjs";
import { runSession } from "./session.mjs";
import { checkMasters, checkStatus, checkVersions } from "./state-checks.mjs";

await runSession([], async ({ checks, place, caller }) => {
  const { requestId } = await checkContract(checks, caller);
  await checkStatus(checks, place, "optimized");
  await checkVersions(checks, place, requestId);
  await checkAttack(checks, place, caller);
  await checkCommands(checks, place, requestId);
  await checkKillsUnderLoad(checks, place, caller, [
    "the execution server that holds the leases",
    "a state replica",
    "the Paxos leader",
  ]);
  await checkMasters(checks, place, "after the faults");
  await checkDrills(checks, place, ["A1", "A2", "A4", "A12", "F1", "F2", "F3"]);
  await checkPowerCut(checks, place, caller, []);
  await checkMasters(checks, place, "after the loss of everything");
});
