/** What administrators ask a state master, answered from its own Postgres and, where it suffices, from its core. */
import type { MasterStore } from "@redoubt/database";
import type { StateMaster } from "@redoubt/protocol";
import type { MetadataQueryMessage } from "@redoubt/shared";
import type { MasterMetadata } from "./master-metadata.ts";
import {
  findVersions,
  keptBy,
  type OpeningTimes,
  objectHeads,
  objectHistory,
  requestHistory,
} from "./metadata-explorer.ts";

export interface MasterQueryParts {
  readonly core: StateMaster;
  readonly metadata: MasterMetadata;
  readonly store: () => MasterStore | undefined;
  readonly openingTimes: OpeningTimes;
}

/** Never rejects: what went wrong is the answer. */
export async function answerMasterQuery(parts: MasterQueryParts, query: MetadataQueryMessage): Promise<unknown> {
  try {
    return await answer(parts, query);
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function answer(
  { core, metadata, store: opened, openingTimes }: MasterQueryParts,
  { about }: MetadataQueryMessage,
): Promise<unknown> {
  const store = opened();
  if (about.kind === "placement") return openingTimes.addTo(store, core.placement()).catch(() => core.placement());
  if (!store) return { error: "the database of this master is not there" };
  if (about.kind === "objects") return objectHeads(store, about);
  const kept = keptBy(await store.retention());
  if (about.kind === "object") return { ...(await objectHistory(store, about)), kept };
  if (about.kind === "request") return { steps: await requestHistory(store, about.requestId), kept };
  if (about.kind === "versions") return { ...(await findVersions(store, about.search, kept)), kept };
  const { appliedSlot, comparedAfter, ...digest } = await store.digest(BigInt(about.from ?? 0));
  const { decidedThrough } = core;
  const places = { appliedSlot: Number(appliedSlot), comparedAfter: Number(comparedAfter), decidedThrough };
  return { ...digest, ...places, backlog: metadata.backlog };
}
