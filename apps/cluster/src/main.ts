/** One server process: the component comes from the environment a node agent wrote. */
import { readServerEnvironment, type ServerEnvironment } from "./env.ts";

type Run = (environment: ServerEnvironment) => Promise<void>;

/** Loaded on demand: a replica has no business reading the manager's libraries. */
const components: Readonly<Record<ServerEnvironment["component"], () => Promise<Run>>> = {
  "traffic-regulator": async () => (await import("./components/traffic-regulator.ts")).runTrafficRegulator,
  "execution-server": async () => (await import("./components/execution-server.ts")).runExecutionServer,
  "acceptance-test-server": async () =>
    (await import("./components/acceptance-test-server.ts")).runAcceptanceTestServer,
  "state-replica": async () => (await import("./components/state-replica.ts")).runStateReplica,
  "state-master": async () => (await import("./components/state-master.ts")).runStateMaster,
  "configuration-manager": async () => (await import("./components/configuration-manager.ts")).runConfigurationManager,
  "node-agent": async () => (await import("./components/node-agent.ts")).runNodeAgent,
};

const environment = readServerEnvironment();
const run = await components[environment.component]();
await run(environment);
