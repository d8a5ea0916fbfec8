/** Clients of the protected service. A key is made here, shown once, and kept as a hash; the regulator knows the hash before the key is shown. */
import { createHash, randomBytes } from "node:crypto";
import type { ManagerOpening } from "@redoubt/database";
import type { Digest } from "@redoubt/shared";
import { type Actor, AdministrationError, type ClientAccount } from "../administration/index.ts";
import type { ManagerDatabase } from "./database.ts";
import type { RegulatorLink } from "./regulator-link.ts";

export const hashOfKey = (key: string): Digest => createHash("sha256").update(key).digest("hex") as Digest;

export class Clients {
  readonly #database: ManagerDatabase;
  readonly #regulator: RegulatorLink;

  constructor(database: ManagerDatabase, regulator: RegulatorLink) {
    this.#database = database;
    this.#regulator = regulator;
  }

  /** Tells the regulator who may call. */
  open({ clients }: Pick<ManagerOpening, "clients">): void {
    this.#tell(clients);
  }

  async list(): Promise<ClientAccount[]> {
    const [clients, blocks] = await this.#database.answering((store) =>
      Promise.all([store.clients.list(), store.screening.activeBlocks(new Date())]),
    );
    const blocked = new Set(blocks.filter(({ kind }) => kind === "principal").map(({ value }) => value));
    return clients.map((client) => ({
      client: client.name,
      roles: client.roles,
      createdAt: client.createdAt.toISOString(),
      createdBy: client.createdBy,
      lastSeenAt: client.lastSeenAt?.toISOString() ?? null,
      revokedAt: client.revokedAt?.toISOString() ?? null,
      blocked: blocked.has(client.id),
    }));
  }

  async add(name: string, roles: readonly string[], actor: Actor): Promise<{ client: string; key: string }> {
    const key = `rk_${randomBytes(32).toString("base64url")}`;
    const row = { id: name, name, keyHash: hashOfKey(key), roles, createdBy: actor.name, createdAt: new Date() };
    const added = await this.#database.answering((store) => store.clients.add(row));
    if (!added.ok)
      throw new AdministrationError(
        "conflict",
        `There is, or was, a client named ${name}; names are used once.`,
        "client",
      );
    await this.#change();
    return { client: name, key };
  }

  async revoke(name: string): Promise<void> {
    const revoked = await this.#database.answering((store) => store.clients.revoke(name, new Date()));
    if (!revoked)
      throw new AdministrationError("not-found", `There is no client named ${name} that could be revoked.`, "client");
    await this.#change();
  }

  /** Resolves when the regulator has taken it in, so that what is answered now holds there, too. */
  async #change(): Promise<void> {
    const clients = await this.#database.answering((store) => store.clients.list());
    this.#tell(clients.filter(({ revokedAt }) => revokedAt === null));
    // Messages on a link keep their order: what is answered after the configuration was sent was asked after it.
    await this.#regulator.readLog("L3", 0).catch(() => undefined);
  }

  /** @param clients those that may call */
  #tell(clients: ManagerOpening["clients"]): void {
    this.#regulator.setClients(
      clients.map(({ id, name, keyHash, roles }) => ({ id, name, keyHash: keyHash as Digest, roles })),
    );
  }
}
