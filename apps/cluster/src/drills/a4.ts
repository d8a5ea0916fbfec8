/** Drill A4: an execution server that sends one replica another change than the others (REQUIREMENTS §C). Started by an audited order of the manager in place of one execution server. */
import { equivocate } from "@redoubt/adversary";
import { runExecutionServer } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";
import { adversarySeams } from "./adversary-seams.ts";

await runExecutionServer(readServerEnvironment(), adversarySeams(equivocate));
