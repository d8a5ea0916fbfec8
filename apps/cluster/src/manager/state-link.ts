/** Questions to state masters and state replicas, for administrators only. Nothing here is on a request's path. */
import type { VersionRow } from "@redoubt/protocol";
import type {
  Decision,
  MetadataQueryMessage,
  RequestId,
  ServerName,
  ToConfigurationManager,
  VersionCursor,
  VersionSearch,
} from "@redoubt/shared";
import { z } from "zod";
import type { ServerProcess } from "../runtime/server-process.ts";
import type { Membership } from "./membership.ts";
import { Questions } from "./questions.ts";
import type { Registry } from "./registry.ts";

export const METADATA_PATIENCE_MS = 2_000;
export const DIGEST_PATIENCE_MS = 20_000;
const REPLICA_PATIENCE_MS = 1_500;

export type ObjectDescription = Extract<ToConfigurationManager, { kind: "objectDescription" }>;

/** A version as a master's Postgres has it. */
export type StoredVersionEntry = VersionRow & { readonly at: number; readonly slot: number };

export interface StoredRequestStep {
  readonly slot: number;
  readonly at: number;
  readonly decisions: readonly Decision[];
  readonly versions: readonly VersionRow[];
}

/** From where on a master keeps everything (ADR 0022). */
export interface KeptMetadata {
  readonly after: number;
  /** Milliseconds since 1970; null while it keeps everything. */
  readonly at: number | null;
}

export interface StoredObjectVersions {
  readonly versions: readonly StoredVersionEntry[];
  /** There are older ones that the master does not keep any more. */
  readonly isCut: boolean;
  readonly kept: KeptMetadata;
}

export interface StoredRequest {
  readonly steps: readonly StoredRequestStep[];
  readonly kept: KeptMetadata;
}

export interface MasterDigestAnswer {
  readonly appliedSlot: number;
  /** Older slots are not compared: this master, or the one that was asked for, keeps them no longer. */
  readonly comparedAfter: number;
  readonly decidedThrough: number;
  readonly digest: string;
  readonly tables: Readonly<Record<string, string>>;
  readonly rows: Readonly<Record<string, number>>;
}

export interface ObjectHeadEntry {
  readonly object: string;
  readonly number: number;
  readonly epoch: number;
  readonly status: "pending" | "verified" | "invalid";
  readonly requestId: RequestId;
  readonly at: number;
}

export interface FoundVersions {
  readonly versions: readonly StoredVersionEntry[];
  readonly next: VersionCursor | null;
  readonly kept: KeptMetadata;
}

/** Where object clusters are. What newer masters say of members beyond the first six fields may be missing. */
const placementSchema = z.array(
  z.object({
    clusters: z.array(z.object({ from: z.number(), to: z.number() })),
    epoch: z.number(),
    settledEpoch: z.number(),
    holder: z.string(),
    members: z.array(z.string()),
    faultsTolerated: z.number(),
    /** Wanted, and still taking in what they lack. */
    joining: z.array(z.string()).default([]),
    /** Lost their journals: they are not the members they were. */
    struckOff: z.array(z.string()).default([]),
    /** Seats among the t faulty ones that nobody has. */
    vacant: z.number().default(0),
    /** When the epoch was opened, milliseconds since 1970. */
    openedAt: z.number().nullable().default(null),
  }),
);
export type PlacementAnswer = z.infer<typeof placementSchema>;

const isFailure = (answer: unknown): answer is { error: string } =>
  typeof answer === "object" && answer !== null && "error" in answer;

export class StateLink {
  readonly #server: ServerProcess;
  readonly #membership: Membership;
  readonly #registry: Registry;
  readonly #metadata = new Questions<{ readonly answer: unknown }>();
  readonly #descriptions = new Questions<ObjectDescription>();

  constructor(server: ServerProcess, membership: Membership, registry: Registry) {
    this.#server = server;
    this.#membership = membership;
    this.#registry = registry;
  }

  takeMetadata(message: Extract<ToConfigurationManager, { kind: "metadata" }>): void {
    this.#metadata.answer(message.query, { answer: message.answer });
  }

  takeDescription(message: ObjectDescription): void {
    this.#descriptions.answer(message.query, message);
  }

  /** The masters, the primary first. */
  get masters(): ServerName[] {
    const isPrimary = (server: ServerName): boolean => this.#registry.server(server)?.health?.role === "primary";
    const names = this.#membership.of("state-master").map(({ server }) => server);
    return [...names.filter(isPrimary), ...names.filter((server) => !isPrimary(server))];
  }

  /** One master's answer; undefined when it is silent, cannot reach its database, or says anything unusable. */
  async ask(master: ServerName, about: MetadataQueryMessage["about"], patienceMs: number): Promise<unknown> {
    const { query, answer } = this.#metadata.ask(patienceMs);
    this.#server.send(master, { kind: "metadataQuery", query, about });
    const found = await answer;
    return found === undefined || isFailure(found.answer) ? undefined : found.answer;
  }

  /** The first usable answer, the primary asked first. */
  async askAny(about: MetadataQueryMessage["about"]): Promise<unknown> {
    for (const master of this.masters) {
      const answer = await this.ask(master, about, METADATA_PATIENCE_MS);
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  /** Verified versions, newest first. */
  async objectVersions(
    object: string,
    limit: number,
    before?: { readonly slot: number; readonly number: number },
  ): Promise<StoredObjectVersions | undefined> {
    const answer = await this.askAny({ kind: "object", object, limit, ...(before ? { before } : {}) });
    return answer as StoredObjectVersions | undefined;
  }

  async findVersions(search: VersionSearch): Promise<FoundVersions | undefined> {
    return (await this.askAny({ kind: "versions", search })) as FoundVersions | undefined;
  }

  async placement(): Promise<PlacementAnswer | undefined> {
    return placementSchema.safeParse(await this.askAny({ kind: "placement" })).data;
  }

  async requestSteps(requestId: RequestId): Promise<StoredRequest | undefined> {
    return (await this.askAny({ kind: "request", requestId })) as StoredRequest | undefined;
  }

  /** `from`: leave out what is older than this slot. */
  async digest(master: ServerName, from: number): Promise<MasterDigestAnswer | undefined> {
    return (await this.ask(master, { kind: "digest", from }, DIGEST_PATIENCE_MS)) as MasterDigestAnswer | undefined;
  }

  /** What every replica says it stores of an object; those that do not answer in time are left out. */
  async describe(
    object: string,
    numbers?: { readonly from: number; readonly to: number },
  ): Promise<{ server: ServerName; versions: ObjectDescription["versions"] }[]> {
    const replicas = this.#membership.of("state-replica").map(({ server }) => server);
    const answers = await Promise.all(
      replicas.map(async (server) => {
        const { query, answer } = this.#descriptions.ask(REPLICA_PATIENCE_MS);
        this.#server.send(server, {
          ...{ kind: "describeObject", query, object },
          ...(numbers ? { numbers } : {}),
        });
        const description = await answer;
        return description === undefined ? [] : [{ server, versions: description.versions }];
      }),
    );
    return answers.flat();
  }
}
