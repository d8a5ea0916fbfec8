/**
 * Second half of PROTOCOL §3.3: does an examined change fit the member's state? Pure: a view in, accept / hold / refuse
 * out. The order of the checks matters. Epochs come first, then the serial: a change is judged only when every change
 * its server sent before it in these clusters has been, so that all members judge the same sequence. A change refused
 * *in its turn* uses up its serial (`inTurn`), a change refused out of turn does not.
 */
import type {
  ChainLink,
  Digest,
  MisbehaviourAct,
  ObjectClusterNumber,
  RequestId,
  ServerName,
  VersionReference,
} from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import type { RecordNumber } from "../core.ts";
import { type ClusterState, isOpenForChanges, tipOf } from "./clusters.ts";
import { type ExaminedChange, type RefusalReason, refuse } from "./examination.ts";

/** What admission looks at; nothing here changes it. */
export interface AdmissionView {
  readonly self: string;
  /** Records to be read before anything below can be asked about this change. */
  missingRecords(change: ExaminedChange): readonly RecordNumber[];
  cluster(cluster: ObjectClusterNumber): ClusterState;
  /** False for objects of clusters that only other members of the change's clusters keep. */
  keepsObject(object: string): boolean;
  newestReference(object: string): VersionReference;
  /** The change journalled (or, read-only, confirmed) for a request id. */
  knownChange(requestId: RequestId, attempt: number): { readonly digest: Digest } | undefined;
  isFenced(requestId: RequestId): boolean;
  /** A change of this digest is in a chain here. */
  isInChain(digest: Digest): boolean;
  /** A change of this digest was refused in its turn: nothing that follows it can fit. */
  wasRefused(digest: Digest): boolean;
  hasRoom(): boolean;
}

export type Admission =
  | { readonly kind: "accept" }
  /** The very change that is known already. */
  | { readonly kind: "repeated" }
  | { readonly kind: "hold"; readonly until: HoldReason }
  | {
      readonly kind: "refuse";
      readonly reason: RefusalReason;
      readonly detail: string;
      readonly inTurn: boolean;
      readonly act?: MisbehaviourAct;
    };

export type HoldReason =
  /** What it is judged by is not in memory: nothing is known about it yet. */
  | { readonly kind: "records"; readonly digest: Digest; readonly numbers: readonly RecordNumber[] }
  /** The settlement of a newer epoch is not installed here. */
  | { readonly kind: "epoch"; readonly epoch: number }
  /** An earlier change of this server in the cluster is missing. */
  | { readonly kind: "serial"; readonly cluster: ObjectClusterNumber; readonly serial: number; readonly epoch: number }
  /** It follows a change unknown here: this member is behind in the cluster. */
  | { readonly kind: "chain"; readonly cluster: ObjectClusterNumber; readonly epoch: number };

const outOfTurn = (reason: RefusalReason, detail: string, act?: MisbehaviourAct): Admission => ({
  ...refuse(reason, detail, act),
  inTurn: false,
});
const inTurn = (reason: RefusalReason, detail: string, act?: MisbehaviourAct): Admission => ({
  ...refuse(reason, detail, act),
  inTurn: true,
});

const isSameVersion = (one: VersionReference, other: VersionReference): boolean =>
  one.number === other.number && one.epoch === other.epoch && one.c1 === other.c1;

export function admit(view: AdmissionView, change: ExaminedChange): Admission {
  const { record, digest } = change;
  const { body } = record.ticket;
  const numbers = view.missingRecords(change);
  if (numbers.length > 0) return { kind: "hold", until: { kind: "records", digest, numbers } };
  const known = view.knownChange(body.requestId, body.attempt);
  if (known?.digest === digest) return { kind: "repeated" };
  const mine = record.links.filter((_, index) => body.clusters[index]?.members.includes(view.self));
  if (mine.length === 0) return outOfTurn("ticket", "this member is in none of the ticket's object clusters");
  const order = checkEpochs(view, mine, body.executionServer) ?? checkSerials(view, mine, record.serial);
  if (order) return order;
  if (known) return inTurn("obsolete-request", "another change of this request is journalled here");
  if (view.isFenced(body.requestId)) return inTurn("fenced", "the request is being closed");
  return checkChain(view, mine) ?? checkVersions(view, change) ?? checkRoom(view, body.readOnly);
}

function checkEpochs(view: AdmissionView, mine: readonly ChainLink[], server: ServerName): Admission | undefined {
  for (const { cluster, epoch } of mine) {
    const state = view.cluster(cluster);
    if (epoch < state.installed.epoch || epoch < state.opened.epoch || epoch < state.promised)
      return outOfTurn("stale-epoch", `cluster ${cluster} has a newer epoch than ${epoch}`);
    if (epoch > state.installed.epoch) return { kind: "hold", until: { kind: "epoch", epoch } };
    if (!isOpenForChanges(state)) return outOfTurn("stale-epoch", `cluster ${cluster} is being settled`);
    if (!state.installed.members.includes(view.self))
      return outOfTurn("ticket", `this member does not keep cluster ${cluster}`);
    // A genuine ticket too may be for another purpose: a shadow run's server holds no lease.
    if (state.installed.holder !== server)
      return outOfTurn("lease", `cluster ${cluster} is held by ${state.installed.holder}`, "foreign-lease");
  }
  return undefined;
}

function checkSerials(view: AdmissionView, mine: readonly ChainLink[], serial: number): Admission | undefined {
  for (const { cluster, epoch, predecessorSerial } of mine) {
    if (serial <= predecessorSerial)
      return outOfTurn("malformed", `serial ${serial} follows ${predecessorSerial}`, "malformed");
    const { lastSerial } = view.cluster(cluster);
    if (predecessorSerial < lastSerial)
      return outOfTurn("order", `cluster ${cluster} is at serial ${lastSerial}, not ${predecessorSerial}`);
    if (predecessorSerial > lastSerial)
      return { kind: "hold", until: { kind: "serial", cluster, serial: predecessorSerial, epoch } };
  }
  return undefined;
}

function checkChain(view: AdmissionView, mine: readonly ChainLink[]): Admission | undefined {
  for (const { cluster, epoch, follows } of mine) {
    if (follows === tipOf(view.cluster(cluster))) continue;
    const isUnknown = follows !== ZERO_DIGEST && !view.isInChain(follows) && !view.wasRefused(follows);
    if (isUnknown) return { kind: "hold", until: { kind: "chain", cluster, epoch } };
    return inTurn("not-newest", `it does not follow the last change of cluster ${cluster}`);
  }
  return undefined;
}

function checkVersions(view: AdmissionView, { record, summary }: ExaminedChange): Admission | undefined {
  for (const read of summary.reads) {
    if (!view.keepsObject(read.object)) continue;
    const newest = view.newestReference(read.object);
    if (isSameVersion(read, newest)) continue;
    const act = read.number <= newest.number ? "rollback" : "version-jump";
    return inTurn("not-newest", `${read.object} is at version ${newest.number}, ${read.number} was read`, act);
  }
  for (const { object, number, epoch, parent } of record.writes) {
    if (number !== parent.number + 1)
      return inTurn("malformed", `version ${number} of ${object} does not follow ${parent.number}`, "version-jump");
    if (!view.keepsObject(object)) continue;
    const newest = view.newestReference(object);
    if (isSameVersion({ object, ...parent }, newest)) continue;
    const act =
      parent.number > newest.number
        ? "version-jump"
        : number <= newest.number && epoch <= newest.epoch
          ? "overwrite"
          : "rollback";
    return inTurn("not-newest", `${object} is at version ${newest.number}, ${number} was written`, act);
  }
  return undefined;
}

const checkRoom = (view: AdmissionView, readOnly: boolean): Admission =>
  readOnly || view.hasRoom()
    ? { kind: "accept" }
    : inTurn("overloaded", "too many changes await the masters' decision");
