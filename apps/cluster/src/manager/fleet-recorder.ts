/** Writes what is seen of nodes and servers into the database every few seconds: figures for the nodes page, and a last known state for people. */
import { availableParallelism } from "node:os";
import type { ClusterFile } from "../launch/cluster-file.ts";
import type { ManagerDatabase } from "./database.ts";
import type { Registry } from "./registry.ts";

const INTERVAL_MS = 10_000;
const KEPT_MS = 7 * 24 * 3_600_000;
const PRUNE_EVERY = 360;

export class FleetRecorder {
  readonly #cluster: ClusterFile;
  readonly #database: ManagerDatabase;
  readonly #registry: Registry;
  readonly #onFailure: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #rounds = 0;
  #isBusy = false;

  constructor(parts: {
    readonly cluster: ClusterFile;
    readonly database: ManagerDatabase;
    readonly registry: Registry;
    readonly onFailure: (error: unknown) => void;
  }) {
    this.#cluster = parts.cluster;
    this.#database = parts.database;
    this.#registry = parts.registry;
    this.#onFailure = parts.onFailure;
    this.#timer = setInterval(() => void this.#record(), INTERVAL_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #record(): Promise<void> {
    const { store } = this.#database;
    if (!store || this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (const { name, address, state, pid, since, lastReportAt } of this.#registry.nodes)
        await store.fleet.saveNode({
          name,
          address,
          slots: this.#cluster.slotsPerNode,
          state,
          pid,
          since: new Date(since),
          lastReportAt: lastReportAt === null ? null : new Date(lastReportAt),
        });
      for (const view of this.#registry.servers)
        await store.fleet.saveServer({
          name: view.server,
          component: view.component,
          nodeName: view.node,
          state: view.state,
          role: view.health?.role ?? null,
          hosts: [],
          port: null,
          pid: view.report?.pid ?? null,
          processStartTime: null,
          incarnation: 0,
          certificateSerial: view.report?.serial ?? null,
          since: new Date(view.since),
        });
      await store.fleet.recordHealth(this.#measurements());
      this.#rounds += 1;
      if (this.#rounds % PRUNE_EVERY === 0) await store.fleet.pruneHealth(new Date(Date.now() - KEPT_MS));
    } catch (error) {
      this.#onFailure(error);
    } finally {
      this.#isBusy = false;
    }
  }

  #measurements() {
    const at = new Date();
    return this.#registry.nodes.flatMap(({ name, host, state }) =>
      host === undefined || state !== "up"
        ? []
        : [
            {
              node: name,
              at,
              cpu: Math.min(1, host.load / availableParallelism()),
              memoryBytes: BigInt(Math.max(0, host.memoryTotalBytes - host.memoryFreeBytes)),
              memoryTotal: BigInt(host.memoryTotalBytes),
              load: host.load,
            },
          ],
    );
  }
}
