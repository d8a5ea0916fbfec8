/**
 * Promises (PROTOCOL §8): to accept nothing of older epochs in these clusters, durable before the answer, which lists
 * the undecided changes held there. Asked before this member has taken in the epoch's own slot, it waits until it has:
 * only then does the list count.
 */
import type { PromiseMessage, ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import { areValidRanges, eachCluster, inRanges } from "../ranges.ts";
import { journal, put, type Replica, type Turn } from "./context.ts";
import { saysIdentity } from "./joining.ts";

const WAITING_MAX = 8;

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
  const undecided = replica.store
    .undecidedTouching((cluster) => inRanges(clusters, cluster))
    .map((entry) => replica.store.summaryOf(entry));
  const { appliedThrough } = replica.stream;
  const identity = saysIdentity(replica);
  put(turn, send("state-master", from, { kind: "promised", epoch, clusters, undecided, appliedThrough, ...identity }));
}

/** Also when the journal is read. */
export function takePromise(replica: Replica, { epoch, clusters }: Pick<PromiseMessage, "epoch" | "clusters">): void {
  for (const cluster of eachCluster(clusters)) {
    const state = replica.store.clusters.get(cluster);
    state.promised = Math.max(state.promised, epoch);
  }
}
