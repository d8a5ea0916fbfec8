/**
 * Changes members have voted for, from the first vote to the masters' decision. Bounded per member, in number and in what they
 * name, so that a faulty one cannot push out what others voted for first, nor fill the memory with names.
 */
import type {
  ChangeRecord,
  ChangeSummary,
  Digest,
  LoggedAccess,
  RequestId,
  ServerName,
  Verdict,
} from "@redoubt/shared";
import type { ProvenVersions } from "./before.ts";

const PER_MEMBER_MAX = 4_096;
/** Versions, links, members and accesses named: each may be as long as an object's name. */
const NAMES_PER_MEMBER_MAX = 131_072;

const namesIn = ({ ticket, reads, writes, links }: ChangeSummary): number =>
  ticket.clusters.reduce((sum, { members }) => sum + 1 + members.length, 0) +
  (1 + ticket.testers.length + reads.length + writes.length + links.length);

export type Stage =
  | { readonly kind: "voting" }
  /** Its record is asked of one voter after the other. */
  | { readonly kind: "fetching"; readonly versions: ProvenVersions; asked: number; againAt: number }
  | { readonly kind: "testing"; readonly record: ChangeRecord }
  | {
      readonly kind: "tested";
      readonly record: ChangeRecord;
      readonly verdict: Verdict;
      sent: number;
      againAt: number;
    };

export interface Candidate {
  readonly digest: Digest;
  readonly summary: ChangeSummary;
  readonly voters: Set<ServerName>;
  /** What each voter says was fetched from it under the ticket. */
  readonly accesses: Map<ServerName, readonly LoggedAccess[]>;
  /** The member whose share of memory it uses. */
  readonly firstVoter: ServerName;
  stage: Stage;
  tests: number;
  /** Tested for the regulator after its reply was released: decisions do not end it. */
  isAudit: boolean;
  /** Votes came that were no part of an audit: the masters wait for the verdict, too. */
  isForMasters: boolean;
}

export class Candidates {
  /** Oldest first. */
  readonly #byDigest = new Map<Digest, Candidate>();
  readonly #perMember = new Map<ServerName, Set<Digest>>();
  readonly #namesOf = new Map<ServerName, number>();

  get(digest: Digest): Candidate | undefined {
    return this.#byDigest.get(digest);
  }

  /** When the member's share is used up, its own oldest goes. */
  open(digest: Digest, summary: ChangeSummary, voter: ServerName): Candidate {
    const share = this.#perMember.get(voter) ?? new Set();
    this.#perMember.set(voter, share.add(digest));
    const stage: Stage = { kind: "voting" };
    const voters = new Set<ServerName>();
    const candidate = {
      digest,
      summary,
      voters,
      accesses: new Map(),
      firstVoter: voter,
      stage,
      tests: 0,
      isAudit: false,
      isForMasters: false,
    };
    this.#byDigest.set(digest, candidate);
    this.#charge(voter, namesIn(summary));
    for (const oldest of share) {
      if (share.size <= PER_MEMBER_MAX && this.#used(voter) <= NAMES_PER_MEMBER_MAX) break;
      this.drop(oldest);
    }
    return candidate;
  }

  /** What the voter says was fetched from it; its last word counts. Beyond its share it says nothing. */
  keepAccesses({ digest, accesses }: Candidate, voter: ServerName, list: readonly LoggedAccess[]): void {
    if (!this.#byDigest.has(digest)) return;
    const more = list.length - (accesses.get(voter)?.length ?? 0);
    if (this.#used(voter) + more > NAMES_PER_MEMBER_MAX) return;
    accesses.set(voter, list);
    this.#charge(voter, more);
  }

  #used(member: ServerName): number {
    return this.#namesOf.get(member) ?? 0;
  }

  #charge(member: ServerName, names: number): void {
    const used = this.#used(member) + names;
    if (used > 0) this.#namesOf.set(member, used);
    else this.#namesOf.delete(member);
  }

  drop(digest: Digest): void {
    const candidate = this.#byDigest.get(digest);
    if (!candidate) return;
    this.#byDigest.delete(digest);
    this.#charge(candidate.firstVoter, -namesIn(candidate.summary));
    for (const [voter, list] of candidate.accesses) this.#charge(voter, -list.length);
    const share = this.#perMember.get(candidate.firstVoter);
    share?.delete(digest);
    if (share?.size === 0) this.#perMember.delete(candidate.firstVoter);
  }

  all(): Iterable<Candidate> {
    return this.#byDigest.values();
  }

  get size(): number {
    return this.#byDigest.size;
  }
}

export const requestOf = ({ summary }: Candidate): { readonly requestId: RequestId; readonly attempt: number } => ({
  requestId: summary.ticket.requestId,
  attempt: summary.ticket.attempt,
});

/** Accesses that enough voters saw: one of them is right. */
export function vouchedAccesses({ accesses }: Candidate, needed: number): readonly LoggedAccess[] {
  const counts = new Map<string, { readonly access: LoggedAccess; count: number }>();
  for (const list of accesses.values()) {
    const once = new Map(list.map((access) => [`${access.granted} ${access.object}`, access]));
    for (const [name, access] of once) {
      const entry = counts.get(name) ?? { access, count: 0 };
      entry.count++;
      counts.set(name, entry);
    }
  }
  return [...counts.values()].filter(({ count }) => count >= needed).map(({ access }) => access);
}
