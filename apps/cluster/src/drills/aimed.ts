/** Entry of scene S2: a captured execution server that replies wrongly to one client, at first asking (REQUIREMENTS A1, A31). */
import { aimAt } from "@redoubt/adversary";
import { runExecutionServer, type SeamsFactory } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";
import { createHasher } from "../runtime/hasher.ts";

/** The test gives its client this name. */
const VICTIM = "victim";

const captured: SeamsFactory = ({ application, sign }) => {
  const intruder = aimAt(VICTIM)({ hasher: createHasher(), sign });
  return {
    application,
    provided: () => {},
    finished: (_effect, input) => input,
    sent: ({ to, message }) => intruder.bendMessage?.(to, message) ?? [message],
    arrived: (_from, message) => [message],
  };
};

await runExecutionServer(readServerEnvironment(), captured);
