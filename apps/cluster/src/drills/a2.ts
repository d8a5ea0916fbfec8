/** Drill A2: an execution server that replies rightly while it changes the state wrongly (REQUIREMENTS §C). Started by an audited order of the manager in place of one execution server. */
import { rightReplyWrongState } from "@redoubt/adversary";
import { runExecutionServer } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";
import { adversarySeams } from "./adversary-seams.ts";

await runExecutionServer(readServerEnvironment(), adversarySeams(rightReplyWrongState));
