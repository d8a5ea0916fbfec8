/** Drill A1: an execution server that replies wrongly while it changes the state rightly (REQUIREMENTS §C). Started by an audited order of the manager in place of one execution server. */
import { wrongReplyRightState } from "@redoubt/adversary";
import { runExecutionServer } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";
import { adversarySeams } from "./adversary-seams.ts";

await runExecutionServer(readServerEnvironment(), adversarySeams(wrongReplyRightState));
