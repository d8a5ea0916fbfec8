/** Settings of the whole cluster, by name. Whoever reads one checks its shape. */
import type { ClusterSetting, PrismaClient } from "../generated/manager/client.ts";
import { storableJson } from "./storable.ts";

export class SettingRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Undefined when it was never set. */
  async get(key: string): Promise<unknown> {
    return (await this.#client.clusterSetting.findUnique({ where: { key } }))?.value;
  }

  async all(): Promise<ClusterSetting[]> {
    return this.#client.clusterSetting.findMany({ orderBy: { key: "asc" } });
  }

  async set(key: string, value: unknown, updatedBy: string, updatedAt: Date): Promise<void> {
    const data = { value: storableJson(value), updatedBy, updatedAt };
    await this.#client.clusterSetting.upsert({ where: { key }, create: { key, ...data }, update: data });
  }

  /** Sets it unless it was set before, and returns the one that holds. */
  async ensure(key: string, value: unknown, updatedBy: string, updatedAt: Date): Promise<unknown> {
    const data = [{ key, value: storableJson(value), updatedBy, updatedAt }];
    await this.#client.clusterSetting.createMany({ data, skipDuplicates: true });
    return this.get(key);
  }
}
