/** What this member stores, for others: object histories for the state explorer, records for acceptance test servers. */
import {
  type DescribeObjectMessage,
  type FetchRecordMessage,
  LIMITS,
  type RequestId,
  type ServerName,
  type StoredVersion,
  type ToConfigurationManager,
  ZERO_DIGEST,
} from "@redoubt/shared";
import type { Hasher, RecordNumber } from "../core.ts";
import { send } from "../core.ts";
import { computeC1 } from "../digests.ts";
import { put, type Replica, type Turn } from "./context.ts";
import type { ObjectVersion } from "./object-store.ts";
import { withRecords } from "./record-reads.ts";
import { findVersion } from "./versions.ts";

const VERSIONS_MAX = 1_000;
/** Records read for one description; what lies further back is not described. */
const WALK_MAX = 20_000;
/** Descriptions in hand; asked for more, this member does not answer. */
const DESCRIPTIONS_MAX = 32;

type Description = Extract<ToConfigurationManager, { kind: "objectDescription" }>["versions"][number];

const describe = (hasher: Hasher, { stored, status, executionServer }: ObjectVersion): Description => {
  const { number, epoch, requestId } = stored;
  return { number, epoch, c1: computeC1(hasher, stored, requestId), status, requestId, executionServer };
};

/**
 * C1 is computed again from the bytes on the disk: the point is to show what is really there. The chain is read from its
 * newest version back; it ends early where a record is damaged.
 */
export function describeObject(replica: Replica, turn: Turn, to: ServerName, message: DescribeObjectMessage): void {
  const { query, object, numbers } = message;
  const isAsked = ({ number }: { readonly number: number }): boolean =>
    numbers === undefined || (number >= numbers.from && number <= numbers.to);
  if (replica.descriptions.open >= DESCRIPTIONS_MAX) return;
  replica.descriptions.open++;
  const verified: Description[] = [];
  const unverified = replica.store.objects.unverifiedOf(object).filter(({ stored }) => isAsked(stored));
  walkChain(replica, turn, object, {
    visit(version) {
      if (isAsked(version)) verified.push(version);
      return verified.length < VERSIONS_MAX && version.number > (numbers?.from ?? 1);
    },
    ended(later) {
      replica.descriptions.open--;
      const above = unverified.map((version) => describe(replica.hasher, version));
      const versions = [...verified.reverse(), ...above].slice(-VERSIONS_MAX);
      put(later, send("configuration-manager", to, { kind: "objectDescription", query, object, versions }));
    },
  });
}

interface ChainVisitor {
  /** Newest first. False: enough. */
  readonly visit: (version: Description) => boolean;
  readonly ended: (turn: Turn) => void;
}

/** Reads one record of the chain after the other, each from the disk; nothing but the visitor's notes stays in memory. */
function walkChain(replica: Replica, turn: Turn, object: string, { visit, ended }: ChainVisitor): void {
  let read = 0;
  /** `candidates`: records one of which wrote the version sought, in the request `sought` where that is known. */
  const step = (now: Turn, candidates: readonly RecordNumber[], sought: RequestId | undefined): void => {
    const [number, ...others] = candidates;
    if (number === undefined || ++read > WALK_MAX) {
      ended(now);
      return;
    }
    replica.reads.readFresh(now, number, (later, durable) => {
      const change = durable && "parents" in durable ? durable : undefined;
      const body = change?.record.ticket.body;
      const index = change?.record.writes.findIndex((write) => write.object === object) ?? -1;
      const write = change?.record.writes[index];
      if (!body || !write || (sought !== undefined && body.requestId !== sought)) {
        step(later, others, sought);
        return;
      }
      const { requestId, executionServer } = body;
      const stored = { ...write, requestId, c1: ZERO_DIGEST };
      const version: ObjectVersion = { stored, change: ZERO_DIGEST, executionServer, status: "verified" };
      const parent = change?.parents[index];
      if (visit({ ...describe(replica.hasher, version), record: number }) && parent)
        step(later, replica.store.recordsOf(parent), parent);
      else ended(later);
    });
  };
  const newest = replica.store.objects.verifiedC2(object);
  step(turn, newest ? [newest.record] : [], undefined);
}

/** Basic profile: the record of a change and the versions it starts from. */
export function sendRecord(replica: Replica, turn: Turn, to: ServerName, message: FetchRecordMessage): void {
  const { digest, versions } = message;
  const { store, confirmations } = replica;
  withRecords(replica, turn, (later, needs) => {
    const record = (store.get(digest) ?? confirmations.get(digest))?.record ?? null;
    const wanted = record
      ? [...record.reads, ...record.writes.map(({ object, parent }) => ({ object, ...parent }))]
      : (versions ?? []).slice(0, LIMITS.objectsPerRequestMax);
    const before = new Map<string, StoredVersion>();
    for (const reference of wanted) {
      const stored = findVersion(store, reference, needs)?.version;
      if (stored) before.set(stored.object, stored);
    }
    if (needs.size > 0) return;
    put(later, send("acceptance-test-server", to, { kind: "record", digest, record, before: [...before.values()] }));
  });
}
