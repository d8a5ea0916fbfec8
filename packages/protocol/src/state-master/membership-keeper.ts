/**
 * When the masters change who is a member (docs/PROTOCOL.md §10): a replica says the name of its journal, and the primary
 * has it decided; a replica's pass over its checksums is whole, and the primary has it admitted; the seats that follow
 * from what is decided are not those of an epoch, and the primary opens a new one, same holder. Which seats those are is
 * `membership.ts`.
 *
 * One change at a time: an admission waits until no epoch is unsettled. Striking off waits for nothing.
 */
import type { ServerName } from "@redoubt/shared";
import type { WholePass } from "./checksum-audit.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";
import type { EpochRequests } from "./epoch-requests.ts";
import { IDENTITY_MAX, seatMembers } from "./membership.ts";
import type { EpochTerms } from "./metadata-state.ts";

export class MembershipKeeper {
  readonly #context: MasterContext;
  readonly #requests: EpochRequests;
  /** What replicas said last. Certified servers, so their number is bounded by the cluster's size. */
  readonly #claims = new Map<ServerName, string>();
  readonly #proposedAt = new Map<string, number>();
  /** What there is to do as of the last change of what is decided: looked at in every step, so not worked out anew. */
  #unknown: readonly ServerName[] = [];
  #misseated: EpochTerms | undefined;

  constructor(context: MasterContext, requests: EpochRequests) {
    this.#context = context;
    this.#requests = requests;
  }

  /** Remembered on every master: whoever is primary next has it decided. */
  claimed(server: ServerName, identity: string): void {
    if (identity === "" || identity.length > IDENTITY_MAX || this.#claims.get(server) === identity) return;
    this.#claims.set(server, identity);
    this.review();
  }

  clear(): void {
    this.#proposedAt.clear();
    this.review();
  }

  /** After something was decided that this depends on. */
  review(): void {
    const { standings } = this.#context.state;
    this.#unknown = [...this.#claims.keys()].filter((it) => standings.get(it)?.identity !== this.#claims.get(it));
    this.#misseated = this.#findMisseated();
  }

  get isWaiting(): boolean {
    return this.#unknown.length > 0 || this.#misseated !== undefined;
  }

  /** A replica that nobody counts on holds everything there is. */
  whole(server: ServerName, { identity, appliedThrough }: WholePass): void {
    const { state } = this.#context;
    const standing = state.standings.get(server);
    if (standing?.identity !== identity || standing.state === "whole" || state.openEpochs.size > 0) return;
    const terms = this.#terms().filter(({ wanted }) => wanted.members.includes(server));
    // Everything settled before is in: all survivors, too.
    if (terms.length === 0 || terms.some(({ epoch }) => epoch > appliedThrough)) return;
    if (this.#lag(appliedThrough) > MASTER_TIMES.joinerLagSlotsMax || !this.#requests.mayCause(server)) return;
    this.#propose(`admit ${server}`, () => this.#context.propose({ kind: "admit", server, identity }));
  }

  #lag(appliedThrough: number): number {
    return this.#context.applied - appliedThrough;
  }

  /** Every {@link MASTER_TIMES.dutyMs} on the primary. */
  run(): void {
    for (const server of this.#unknown) {
      const identity = this.#claims.get(server) ?? "";
      this.#propose(`identify ${server}`, () => this.#context.propose({ kind: "identify", server, identity }));
    }
    const terms = this.#misseated;
    if (terms) this.#propose(`epoch ${terms.epoch}`, () => this.#requests.reopen(terms));
  }

  #propose(name: string, propose: () => void): void {
    const { now } = this.#context;
    if (now < (this.#proposedAt.get(name) ?? Number.NEGATIVE_INFINITY) + MASTER_TIMES.commandResendMs) return;
    this.#proposedAt.set(name, now);
    propose();
  }

  #terms(): EpochTerms[] {
    return [...new Set(this.#context.state.clusters.map(({ opened }) => opened))].filter(({ epoch }) => epoch > 0);
  }

  /** An epoch that would be given other seats today: the first, since one is changed after the other. */
  #findMisseated(): EpochTerms | undefined {
    const { state } = this.#context;
    return this.#terms().find((terms) => {
      const clusters = state.clusters.flatMap(({ opened }, cluster) => (opened === terms ? [cluster] : []));
      const seats = seatMembers(state, clusters, terms.wanted);
      if (!seats || seats.members.join() === terms.members.join()) return false;
      const isStrikingOff = terms.members.some((member) => !seats.members.includes(member));
      return isStrikingOff || !state.openEpochs.has(terms.epoch);
    });
  }
}
