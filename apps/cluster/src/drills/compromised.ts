/**
 * A compromised execution server (REQUIREMENTS §C), started by an audited order of the manager in place of an honest one.
 * The first word behind the file's name says which behaviour it has; it begins at SIGUSR2.
 */
import { executionDrill } from "@redoubt/adversary";
import { runExecutionServer } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";
import { openActs } from "./acts.ts";
import { adversarySeams } from "./adversary-seams.ts";
import { Beginning } from "./beginning.ts";

const environment = readServerEnvironment();
const [, , behaviour = "", variant] = process.argv;
const makeAdversary = executionDrill(behaviour, environment.server, variant);
if (!makeAdversary) throw new Error(`"${behaviour}" is no behaviour of an execution server`);
const beginning = new Beginning();
process.on("SIGUSR2", () => beginning.begin());
const acted = openActs(environment.data, environment.server);
await runExecutionServer(environment, adversarySeams(makeAdversary, { beginning, acted }));
