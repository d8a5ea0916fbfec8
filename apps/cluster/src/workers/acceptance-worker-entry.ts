/**
 * The thread in which acceptance tests run: with a memory limit, no environment, no input and output, and a counter by
 * which its host sees which record it is at. Bundled with the application (bundle-application.ts); the routine itself is a
 * bundle that can import nothing of Node.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { parentPort, workerData } from "node:worker_threads";
import type { AcceptanceOutcome, AcceptanceRecord, ContractJson } from "@redoubt/application";
import { prepareAcceptance, runAcceptance } from "@redoubt/application";

export interface AcceptanceWorkerData {
  readonly directory: string;
  /** One counter: index of the record under test in its batch. */
  readonly progress: SharedArrayBuffer;
}

const { directory, progress } = workerData as AcceptanceWorkerData;
const contract = JSON.parse(readFileSync(`${directory}/contract.json`, "utf8")) as ContractJson;
const routines = (await import(pathToFileURL(`${directory}/acceptance.mjs`).href)) as {
  default: unknown;
  upgrades?: unknown;
};
const application = prepareAcceptance(contract, routines.default, routines.upgrades);
if (!application.ok) throw new Error("the bundle's acceptance tests do not fit its contract");
const tests = application.value;
const counter = new Int32Array(progress);

parentPort?.on("message", (records: readonly AcceptanceRecord[]) => {
  const outcomes: AcceptanceOutcome[] = [];
  for (const [index, record] of records.entries()) {
    Atomics.store(counter, 0, index);
    outcomes.push(runAcceptance(tests, record));
  }
  parentPort?.postMessage(outcomes);
});
parentPort?.postMessage("ready");
