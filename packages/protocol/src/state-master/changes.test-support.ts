/** Summaries of changes as members would make them, with right digests and masters' entries. */
import type {
  ChangeSummary,
  Digest,
  Epoch,
  ObjectClusterNumber,
  Profile,
  RequestId,
  ServerName,
  VersionReference,
} from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import { digestChange, digestText, digestTicket, ticketEntry } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { type MasterChange, toMasterChange } from "./commands.ts";

export const MEMBERS: readonly ServerName[] = ["state-replica-1", "state-replica-2", "state-replica-3"];
export const HOLDER = "execution-server-1";
export const MASTERS_KEY = "ab".repeat(32);

export const digestOf = (text: string): Digest => digestText(nodeHasher, "test", text);
export const requestIdOf = (text: string): RequestId => digestOf(text) as string as RequestId;

export interface ChangeWish {
  readonly request: string;
  readonly attempt?: number;
  readonly epoch: Epoch;
  /** Last change in every cluster it touches, or one per cluster. */
  readonly follows?: Digest | Readonly<Record<ObjectClusterNumber, Digest>>;
  readonly clusters?: readonly ObjectClusterNumber[];
  readonly serial?: number;
  readonly admittedAt?: number;
  readonly readOnly?: boolean;
  readonly regulatorEpoch?: Epoch;
  readonly mastersKey?: string;
  readonly profile?: Profile;
  readonly testers?: readonly string[];
  readonly reply?: string;
  /** Objects written, with their parents. */
  readonly writes?: readonly (VersionReference & { readonly parent: Omit<VersionReference, "object"> })[];
}

export interface TestChange {
  readonly summary: ChangeSummary;
  readonly digest: Digest;
  readonly change: MasterChange;
}

export function makeChange(wish: ChangeWish): TestChange {
  const { request, epoch, follows = ZERO_DIGEST, clusters = [5] } = wish;
  const ticket = {
    requestId: requestIdOf(request),
    attempt: wish.attempt ?? 1,
    operation: "transfer",
    applicationVersion: "v1",
    inputDigest: digestOf(`input ${request}`),
    principal: "client-1",
    now: wish.admittedAt ?? 1,
    seed: digestOf(`seed ${request}`),
    readOnly: wish.readOnly ?? false,
    executionServer: HOLDER,
    regulatorEpoch: wish.regulatorEpoch ?? 1,
    clusters: clusters.map((cluster) => ({ cluster, epoch, members: MEMBERS })),
    home: clusters[0] as number,
    profile: wish.profile ?? "optimized",
    testers: wish.testers ?? MEMBERS.slice(0, 2),
    faultsTolerated: 1,
    expiresAt: 10_000,
  } as const;
  const summary: ChangeSummary = {
    ticket,
    mastersEntry: ticketEntry(nodeHasher, wish.mastersKey ?? MASTERS_KEY, digestTicket(nodeHasher, ticket)),
    replyDigest: digestOf(`reply ${wish.reply ?? request}`),
    reads: [],
    writes: wish.writes ?? [],
    serial: wish.serial ?? 1,
    links: clusters.map((cluster) => ({
      cluster,
      epoch,
      predecessorSerial: (wish.serial ?? 1) - 1,
      follows: typeof follows === "string" ? follows : (follows[cluster] ?? ZERO_DIGEST),
    })),
  };
  const digest = digestChange(nodeHasher, summary);
  return { summary, digest, change: toMasterChange(digest, summary) };
}

/** A chain of changes in one cluster, each following the one before. */
export function makeChain(names: readonly string[], epoch: Epoch, first: Digest = ZERO_DIGEST): TestChange[] {
  const chain: TestChange[] = [];
  for (const request of names) {
    chain.push(makeChange({ request, epoch, follows: chain.at(-1)?.digest ?? first, serial: chain.length + 1 }));
  }
  return chain;
}

/** Version of an object with a made-up C1. */
export const versionOf = (object: string, number: number, epoch: Epoch): VersionReference => ({
  object,
  number,
  epoch,
  c1: number === 0 ? ZERO_DIGEST : digestOf(`${object} ${number} ${epoch}`),
});

/** The write of the next version of an object. */
export function writeOf(object: string, number: number, epoch: Epoch, parentEpoch: Epoch = number === 1 ? 0 : epoch) {
  const { number: parentNumber, c1 } = versionOf(object, number - 1, parentEpoch);
  return { ...versionOf(object, number, epoch), parent: { number: parentNumber, epoch: parentEpoch, c1 } };
}
