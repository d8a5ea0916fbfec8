/** Clients of the protected service. Their keys are known to them alone; here are only hashes. */
import { fail, ok, type Result } from "@redoubt/shared";
import { isUniqueViolation } from "../failures.ts";
import type { Client, PrismaClient } from "../generated/manager/client.ts";

const lastSeenResolutionMs = 60_000;

export interface NewClient {
  readonly id: string;
  readonly name: string;
  /** SHA-256 of the key, 64 hex digits. */
  readonly keyHash: string;
  readonly roles: readonly string[];
  readonly createdBy: string;
  readonly createdAt: Date;
}

export class ClientRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Fails with `taken` when id, name or key is in use, also by a revoked client. */
  async add(client: NewClient): Promise<Result<Client, "taken">> {
    try {
      return ok(await this.#client.client.create({ data: { ...client, roles: [...client.roles] } }));
    } catch (error) {
      if (isUniqueViolation(error)) return fail("taken");
      throw error;
    }
  }

  /** By name, revoked ones included. */
  async list(): Promise<Client[]> {
    return this.#client.client.findMany({ orderBy: { name: "asc" } });
  }

  async findByName(name: string): Promise<Client | null> {
    return this.#client.client.findUnique({ where: { name } });
  }

  async findByKeyHash(keyHash: string): Promise<Client | null> {
    return this.#client.client.findUnique({ where: { keyHash } });
  }

  /** False when there is no such client or it was revoked before. */
  async revoke(name: string, at: Date): Promise<boolean> {
    const { count } = await this.#client.client.updateMany({
      where: { name, revokedAt: null },
      data: { revokedAt: at },
    });
    return count === 1;
  }

  /** Notes that the clients were seen; writes at most once a minute for each. */
  async touch(ids: readonly string[], at: Date): Promise<void> {
    const staleBefore = new Date(at.getTime() - lastSeenResolutionMs);
    await this.#client.client.updateMany({
      where: { id: { in: [...ids] }, OR: [{ lastSeenAt: null }, { lastSeenAt: { lt: staleBefore } }] },
      data: { lastSeenAt: at },
    });
  }
}
