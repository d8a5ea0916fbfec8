/** Drill A12: an execution server that puts another client's secret into its replies (REQUIREMENTS §C). Started by an audited order of the manager in place of one execution server. */
import { leakForeignSecret } from "@redoubt/adversary";
import { runExecutionServer } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";
import { adversarySeams } from "./adversary-seams.ts";

await runExecutionServer(readServerEnvironment(), adversarySeams(leakForeignSecret));
