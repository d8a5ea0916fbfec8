/** Who was found guilty of which failed request, with the evidence; written once, never changed. */
import type { Attribution } from "@redoubt/shared";
import type { PrismaClient } from "../generated/manager/client.ts";
import { storableJson, storableText } from "./storable.ts";

export interface AttributionRow {
  readonly requestId: string;
  readonly guilty: string;
  readonly servers: unknown;
  readonly check: string;
  readonly detail: string;
  readonly evidence: unknown;
  readonly at: Date;
}

const PER_REQUEST_MAX = 64;

export class AttributionRepository {
  readonly #client: PrismaClient;

  constructor(client: PrismaClient) {
    this.#client = client;
  }

  /** Once per `id`, however often it is called. */
  async add(id: string, attribution: Attribution, at: Date): Promise<void> {
    const { requestId, guilty, servers, check, detail, evidence } = attribution;
    const row = {
      id,
      requestId,
      guilty,
      servers: storableJson(servers),
      check: storableText(check),
      detail: storableText(detail),
      evidence: storableJson(evidence),
      at,
    };
    await this.#client.attribution.createMany({ data: [row], skipDuplicates: true });
  }

  /** Oldest first. */
  async of(requestId: string): Promise<readonly AttributionRow[]> {
    return this.#client.attribution.findMany({
      where: { requestId },
      orderBy: { at: "asc" },
      take: PER_REQUEST_MAX,
      select: { requestId: true, guilty: true, servers: true, check: true, detail: true, evidence: true, at: true },
    });
  }
}
