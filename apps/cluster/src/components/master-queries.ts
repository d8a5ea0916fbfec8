/** What administrators ask a state master, answered from its own Postgres and, where it suffices, from its core. */
import type { MasterStore } from "@redoubt/database";
import type { StateMaster } from "@redoubt/protocol";
import type { MetadataQueryMessage } from "@redoubt/shared";
import type { MasterMetadata } from "./master-metadata.ts";
import { findVersions, type OpeningTimes, objectHeads, objectHistory, requestHistory } from "./metadata-explorer.ts";

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
  if (about.kind === "object") return objectHistory(store, about);
  if (about.kind === "request") return requestHistory(store, about.requestId);
  if (about.kind === "objects") return objectHeads(store, about);
  if (about.kind === "versions") return findVersions(store, about.search);
  const digest = await store.digest();
  const { decidedThrough } = core;
  return { ...digest, appliedSlot: Number(digest.appliedSlot), decidedThrough, backlog: metadata.backlog };
}
