/**
 * Promises (PROTOCOL §8): to accept nothing of older epochs in these clusters, durable before the answer, which lists
 * the undecided changes held there. Asked before this member has taken in the epoch's own slot, it waits until it has:
 * only then does the list count.
 */
import {
  ByteWriter,
  type Digest,
  type Epoch,
  type PromiseMessage,
  type ServerName,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { send } from "../core.ts";
import { areValidRanges, eachCluster, inRanges } from "../ranges.ts";
import type { ChangeEntry } from "./change-entry.ts";
import { journal, put, type Replica, type Turn } from "./context.ts";
import { saysIdentity } from "./joining.ts";
import { estimateSummaryBytes } from "./store.ts";

const WAITING_MAX = 8;
const PROMISED_BYTES_MAX = 1_000_000;

export interface WaitingPromise {
  readonly from: ServerName;
  readonly message: PromiseMessage;
}

export function receivePromise(replica: Replica, turn: Turn, from: ServerName, message: PromiseMessage): void {
  if (!areValidRanges(message.clusters)) return;
  if (replica.stream.appliedThrough >= message.epoch) {
    answerPromise(replica, turn, from, message);
    return;
  }
  const others = replica.promises.splice(0).filter((other) => other.message.epoch !== message.epoch);
  replica.promises.push(...[...others, { from, message }].slice(-WAITING_MAX));
}

export function answerPromises(replica: Replica, turn: Turn): void {
  for (const { from, message } of replica.promises.splice(0)) receivePromise(replica, turn, from, message);
}

function answerPromise(replica: Replica, turn: Turn, from: ServerName, message: PromiseMessage): void {
  const { epoch, clusters } = message;
  let isNew = false;
  for (const cluster of eachCluster(clusters)) {
    const state = replica.store.clusters.get(cluster);
    // Settled meanwhile, or overtaken by a newer epoch: the asker will see that in the stream.
    if (state.opened.epoch !== epoch || state.installed.epoch >= epoch) return;
    isNew ||= state.promised < epoch;
  }
  if (isNew) {
    journal(replica, turn, { kind: "promise", epoch, clusters }, "synced");
    takePromise(replica, message);
  }
  const undecided = replica.store.undecidedTouching((cluster) => inRanges(clusters, cluster));
  const { appliedThrough } = replica.stream;
  const content = { kind: "promised", epoch, clusters, appliedThrough, ...saysIdentity(replica) } as const;
  const pages = inPages(undecided, replica.configuration.promisedBytesMax ?? PROMISED_BYTES_MAX);
  const listing = pages.length > 1 ? digestListing(replica, epoch, undecided) : ZERO_DIGEST;
  for (const [index, page] of pages.entries()) {
    const summaries = page.map((entry) => replica.store.summaryOf(entry));
    const place = pages.length > 1 ? { page: { listing, index, count: pages.length } } : {};
    put(turn, send("state-master", from, { ...content, undecided: summaries, ...place }));
  }
}

/** At least one page. */
function inPages(entries: readonly ChangeEntry[], bytesMax: number): ChangeEntry[][] {
  const pages: ChangeEntry[][] = [[]];
  let bytes = 0;
  for (const entry of entries) {
    const weight = estimateSummaryBytes(entry.record);
    if (bytes > 0 && bytes + weight > bytesMax) {
      pages.push([]);
      bytes = 0;
    }
    bytes += weight;
    pages.at(-1)?.push(entry);
  }
  return pages;
}

/** Equal listings are equal lists: pages of different ones must not be put together. */
function digestListing({ hasher, stream }: Replica, epoch: Epoch, entries: readonly ChangeEntry[]): Digest {
  const writer = new ByteWriter(64 + entries.length * 32).text("listing").integer(epoch);
  writer.integer(stream.appliedThrough).list(entries, ({ digest }) => writer.digest(digest));
  return hasher.sha256(writer.finish());
}

/** Also when the journal is read. */
export function takePromise(replica: Replica, { epoch, clusters }: Pick<PromiseMessage, "epoch" | "clusters">): void {
  for (const cluster of eachCluster(clusters)) {
    const state = replica.store.clusters.get(cluster);
    state.promised = Math.max(state.promised, epoch);
  }
}
