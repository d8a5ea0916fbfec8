/**
 * A compromised execution server (REQUIREMENTS §C), started by an audited order of the manager in place of an honest one.
 * The first word behind the file's name says which behaviour it has, the second which form of it; it begins at SIGUSR2.
 */
import { executionDrill, type SeededAdversaryFactory } from "@redoubt/adversary";
import { runExecutionServer } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";
import { openActs } from "./acts.ts";
import { adversarySeams } from "./adversary-seams.ts";
import { Beginning } from "./beginning.ts";
import { captureWorkers, isWorkerBehaviour } from "./captured-workers.ts";
import { SharedConspiracy } from "./shared-conspiracy.ts";

const environment = readServerEnvironment();
const [, , behaviour = "", variant] = process.argv;
const beginning = new Beginning();
process.on("SIGUSR2", () => beginning.begin());
const acted = openActs(environment.data, environment.server);
const conspiracy = new SharedConspiracy(environment.data, beginning);

/** Passes tickets on to whoever uses them; does nothing else. */
const overhear: SeededAdversaryFactory = (tools) => ({
  id: "overhear",
  title: "tickets passed on to accomplices",
  bendArrival(_from, message) {
    if (message.kind === "dispatch") tools.conspiracy.overhear(message.ticket);
    return [message];
  },
});
const nothing: SeededAdversaryFactory = () => ({ id: "nothing", title: "the shell is honest" });

const isInWorkers = isWorkerBehaviour(variant ?? behaviour);
const makeAdversary = behaviour === "overhear" ? overhear : isInWorkers ? nothing : executionDrill(behaviour, variant);
if (!makeAdversary) throw new Error(`"${behaviour}" is no behaviour of an execution server`);
const makeSeams = adversarySeams(makeAdversary, { beginning, acted, conspiracy });
await runExecutionServer(environment, (tools) => {
  const seams = makeSeams(tools);
  if (!isInWorkers) return seams;
  const application = captureWorkers(environment, tools.application, variant ?? behaviour, beginning, acted);
  return { ...seams, application };
});
