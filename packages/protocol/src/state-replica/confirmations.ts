/**
 * Read-only changes confirmed lately. They are not journalled: a member that restarted has forgotten them and confirms
 * nothing of the epochs it had then (see `ClusterState.readBarrier`).
 */
import type { Digest, RequestId } from "@redoubt/shared";
import { type ChangeEntry, requestIdOf } from "./change-entry.ts";

const CONFIRMATIONS_MAX = 8_192;

export class ReadConfirmations {
  /** In the order of confirmation. */
  readonly #byRequest = new Map<RequestId, ChangeEntry>();
  readonly #byDigest = new Map<Digest, ChangeEntry>();

  add(entry: ChangeEntry): void {
    this.forget(requestIdOf(entry));
    this.#byRequest.set(requestIdOf(entry), entry);
    this.#byDigest.set(entry.digest, entry);
    if (this.#byRequest.size <= CONFIRMATIONS_MAX) return;
    for (const oldest of this.#byRequest.keys()) {
      this.forget(oldest);
      return;
    }
  }

  forget(requestId: RequestId): void {
    const entry = this.#byRequest.get(requestId);
    if (!entry) return;
    this.#byRequest.delete(requestId);
    this.#byDigest.delete(entry.digest);
  }

  byRequest(requestId: RequestId): ChangeEntry | undefined {
    return this.#byRequest.get(requestId);
  }

  get(digest: Digest): ChangeEntry | undefined {
    return this.#byDigest.get(digest);
  }
}
