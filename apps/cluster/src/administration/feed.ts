/** What the feed server needs from whoever records the cluster's facts; the recorder numbers and keeps them. */
import type { FeedEvent, TrafficCounters } from "@redoubt/shared";

export interface EventFeed {
  /** Number of the newest event, 0 before the first. */
  readonly latest: number;
  /** Number of the oldest event that is still kept; `latest + 1` when none is. */
  readonly oldest: number;
  /** Events with a greater number than `after`, ascending and without holes, at most `limit` of them. */
  since(after: number, limit: number): Promise<readonly FeedEvent[]>;
  /** Calls the listener for each new event, in order, once `since` can return it. Returns the way to stop. */
  subscribe(listener: (event: FeedEvent) => void): () => void;
  /** Periodic counters; never kept. */
  subscribeTraffic(listener: (counters: TrafficCounters) => void): () => void;
}

/** Which console sessions are still valid; asked once a second for the sessions that hold a socket. */
export interface SessionDirectory {
  /** The subset of these session ids that has been revoked or has ended. */
  revoked(sessionIds: readonly string[]): Promise<ReadonlySet<string>>;
}
