/** Entry of scene S2: a captured execution server that replies wrongly to one client, at first asking (REQUIREMENTS A1, A31). */
import { aimAt } from "@redoubt/adversary";
import { runExecutionServer } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";
import { adversarySeams } from "./adversary-seams.ts";

/** The test gives its client this name. */
const VICTIM = "victim";

await runExecutionServer(readServerEnvironment(), adversarySeams(aimAt(VICTIM)));
