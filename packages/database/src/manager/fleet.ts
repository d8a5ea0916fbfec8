/** Nodes and the servers on them, as the manager wants and last saw them; survives a restart of the manager. */
import type { NodeState, ServerState } from "@redoubt/shared";
import type { HealthSample, Node, PrismaClient, Server } from "../generated/manager/client.ts";

export interface NodeRecord {
  readonly name: string;
  readonly address: string;
  readonly slots: number;
  readonly state: NodeState;
  readonly pid: number | null;
  readonly since: Date;
  readonly lastReportAt: Date | null;
}

export interface ServerRecord {
  readonly name: string;
  readonly component: string;
  readonly nodeName: string;
  readonly state: ServerState;
  readonly role: string | null;
  readonly hosts: readonly string[];
  readonly port: number | null;
  readonly pid: number | null;
  readonly processStartTime: bigint | null;
  readonly incarnation: number;
  readonly certificateSerial: string | null;
  readonly since: Date;
}

export interface HealthMeasurement {
  readonly node: string;
  readonly at: Date;
  /** 0 … 1. */
  readonly cpu: number;
  readonly memoryBytes: bigint;
  readonly memoryTotal: bigint;
  readonly load: number;
}

export class FleetRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  async saveNode(node: NodeRecord): Promise<void> {
    await this.#client.node.upsert({ where: { name: node.name }, create: node, update: node });
  }

  async nodes(): Promise<(Node & { servers: Server[] })[]> {
    return this.#client.node.findMany({
      orderBy: { name: "asc" },
      include: { servers: { orderBy: { name: "asc" } } },
    });
  }

  /** Saves what is known of a server. False, and nothing saved, when a later incarnation of it is known already. */
  async saveServer(server: ServerRecord): Promise<boolean> {
    const data = { ...server, hosts: [...server.hosts] };
    const { count } = await this.#client.server.updateMany({
      where: { name: server.name, incarnation: { lte: server.incarnation } },
      data,
    });
    if (count === 1) return true;
    return (await this.#client.server.createMany({ data: [data], skipDuplicates: true })).count === 1;
  }

  async servers(): Promise<Server[]> {
    return this.#client.server.findMany({ orderBy: { name: "asc" } });
  }

  async removeServer(name: string): Promise<void> {
    await this.#client.server.deleteMany({ where: { name } });
  }

  /** A second sample of the same node and time is ignored. */
  async recordHealth(samples: readonly HealthMeasurement[]): Promise<void> {
    await this.#client.healthSample.createMany({ data: [...samples], skipDuplicates: true });
  }

  /** Oldest first. */
  async healthSince(node: string, from: Date, limit: number): Promise<HealthSample[]> {
    return this.#client.healthSample.findMany({
      where: { node, at: { gte: from } },
      orderBy: { at: "asc" },
      take: limit,
    });
  }

  async pruneHealth(before: Date): Promise<number> {
    return (await this.#client.healthSample.deleteMany({ where: { at: { lt: before } } })).count;
  }
}
