/**
 * Entry of scene S1: an execution server whose shell has a hole. It is honest, but the operation `end-server` ends it, as a
 * crafted request would that its parsers do not survive.
 */
import { runExecutionServer, type SeamsFactory } from "../components/execution-server.ts";
import { readServerEnvironment } from "../env.ts";

const frail: SeamsFactory = ({ application }) => ({
  application,
  provided: ({ operation }) => {
    if (operation === "end-server") process.kill(process.pid, "SIGKILL");
  },
  finished: (_effect, input) => input,
  sent: ({ message }) => [message],
  arrived: (_from, message) => [message],
});

await runExecutionServer(readServerEnvironment(), frail);
