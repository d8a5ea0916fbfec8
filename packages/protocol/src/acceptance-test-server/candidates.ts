/**
 * Changes members have voted for, from the first vote to the masters' decision. Bounded per member, so that a faulty one
 * cannot push out what others voted for first.
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
    for (const oldest of share) {
      if (share.size <= PER_MEMBER_MAX) break;
      this.drop(oldest);
    }
    return candidate;
  }

  drop(digest: Digest): void {
    const candidate = this.#byDigest.get(digest);
    if (!candidate) return;
    this.#byDigest.delete(digest);
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
