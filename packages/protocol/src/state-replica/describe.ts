/** What this member stores, for others: object histories for the state explorer, records for acceptance test servers. */
import {
  type DescribeObjectMessage,
  type FetchRecordMessage,
  LIMITS,
  type ServerName,
  type StoredVersion,
} from "@redoubt/shared";
import { send } from "../core.ts";
import { computeC1 } from "../digests.ts";
import { put, type Replica, type Turn } from "./context.ts";

const VERSIONS_MAX = 1_000;

/** C1 is computed again from the stored bytes: the point is to show what is really there. */
export function describeObject(replica: Replica, turn: Turn, to: ServerName, message: DescribeObjectMessage): void {
  const { query, object, numbers } = message;
  const versions = replica.store.objects
    .versionsOf(object)
    .filter(({ stored: { number } }) => numbers === undefined || (number >= numbers.from && number <= numbers.to))
    .slice(-VERSIONS_MAX)
    .map(({ stored, status, executionServer }) => ({
      number: stored.number,
      epoch: stored.epoch,
      c1: computeC1(replica.hasher, stored, stored.requestId),
      status,
      requestId: stored.requestId,
      executionServer,
    }));
  put(turn, send("configuration-manager", to, { kind: "objectDescription", query, object, versions }));
}

/** Basic profile: the record of a change and the versions it starts from. */
export function sendRecord(replica: Replica, turn: Turn, to: ServerName, message: FetchRecordMessage): void {
  const { digest, versions } = message;
  const { store, confirmations } = replica;
  const record = (store.get(digest) ?? confirmations.get(digest))?.record ?? null;
  const wanted = record
    ? [...record.reads, ...record.writes.map(({ object, parent }) => ({ object, ...parent }))]
    : (versions ?? []).slice(0, LIMITS.objectsPerRequestMax);
  const before = new Map<string, StoredVersion>();
  for (const reference of wanted) {
    const stored = store.objects.find(reference);
    if (stored) before.set(stored.object, stored);
  }
  put(turn, send("acceptance-test-server", to, { kind: "record", digest, record, before: [...before.values()] }));
}
