/**
 * Starts node agents of this machine again when they have ended, the manager's own included: an agent is nobody else's to
 * restart. It stops when the cluster is being ended, which the launcher says by a file.
 */
import { existsSync } from "node:fs";
import { isAlive, ProcessSupervisor, readProcessRecord } from "../adapters/supervisor/index.ts";
import type { ClusterFile } from "../launch/cluster-file.ts";
import { agentStart } from "../launch/start.ts";
import type { ServerProcess } from "../runtime/server-process.ts";

const LOOK_MS = 500;
/** At a start of the whole cluster the launcher is still starting the agents; until then only one that has ended is ours. */
const LAUNCH_MS = 20_000;
/** An agent that keeps ending is started with growing pauses. */
const PAUSE_MAX_MS = 30_000;

export class AgentsKeeper {
  readonly #server: ServerProcess;
  readonly #cluster: ClusterFile;
  readonly #supervisor: ProcessSupervisor;
  readonly #timer: NodeJS.Timeout;
  readonly #onRestarted: (node: string) => void;
  readonly #starts = new Map<string, { readonly at: number; readonly pauseMs: number }>();
  readonly #startedAt = Date.now();
  #isBusy = false;

  constructor(server: ServerProcess, cluster: ClusterFile, onRestarted: (node: string) => void) {
    this.#server = server;
    this.#cluster = cluster;
    this.#onRestarted = onRestarted;
    this.#supervisor = new ProcessSupervisor({
      runDirectory: server.layout.run,
      logDirectory: server.layout.logs,
      onEnd: () => undefined,
    });
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#supervisor.close();
  }

  async #look(): Promise<void> {
    if (this.#isBusy || existsSync(this.#server.layout.ending)) return;
    this.#isBusy = true;
    try {
      for (const node of this.#cluster.nodes) {
        const record = readProcessRecord(this.#server.layout.run, node.name);
        if (record !== undefined ? isAlive(record) : Date.now() - this.#startedAt < LAUNCH_MS) continue;
        if (this.#mayStart(node.name)) await this.#start(node);
      }
    } catch (error) {
      this.#server.log.error({ error: error instanceof Error ? error.message : error }, "a node agent did not start");
    } finally {
      this.#isBusy = false;
    }
  }

  #mayStart(node: string): boolean {
    const last = this.#starts.get(node);
    return last === undefined || Date.now() - last.at >= last.pauseMs;
  }

  async #start(node: ClusterFile["nodes"][number]): Promise<void> {
    const last = this.#starts.get(node.name);
    const isFrequent = last !== undefined && Date.now() - last.at < 2 * PAUSE_MAX_MS;
    const pauseMs = isFrequent ? Math.min(PAUSE_MAX_MS, 2 * last.pauseMs) : LOOK_MS;
    this.#starts.set(node.name, { at: Date.now(), pauseMs });
    this.#server.log.warn({ node: node.name }, "the node agent has ended: starting it again");
    await this.#supervisor.start(
      agentStart(this.#server.environment.data, this.#cluster, node, this.#server.environment.logLevel),
    );
    this.#onRestarted(node.name);
  }
}
