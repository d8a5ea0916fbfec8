/**
 * Definite rejection (docs/PROTOCOL.md §5): before a request can be called closed, t+1 members of its home cluster must
 * have refused it durably and for ever, so that no t+1 can ever vouch for a change of it. A member that still has an
 * undecided record cannot refuse; if that lasts, a new epoch's settlement decides the record first.
 */
import type { CloseMessage, FencedMessage, RequestId, ServerName } from "@redoubt/shared";
import { LIMITS } from "@redoubt/shared";
import { vouching } from "../quorum.ts";
import { toRanges } from "../ranges.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";
import { clusterRecord } from "./metadata-state.ts";

interface Closing {
  readonly home: number;
  readonly fenced: Set<ServerName>;
  /** Since when some member has been answering that it holds a record. */
  recordSince: number | undefined;
  askedAt: number;
  /** When the regulator last wanted it. */
  wantedAt: number;
  proposedAt: number;
}

export class Closings {
  readonly #context: MasterContext;
  readonly #closings = new Map<RequestId, Closing>();

  constructor(context: MasterContext) {
    this.#context = context;
  }

  get isWaiting(): boolean {
    return this.#closings.size > 0;
  }

  clear(): void {
    this.#closings.clear();
  }

  /** The regulator wants a request closed. False when it is decided already. */
  want({ requestId, home }: CloseMessage): boolean {
    if (this.#context.state.outcomes.has(requestId)) return false;
    const { now } = this.#context;
    const closing = this.#closings.get(requestId);
    if (closing) closing.wantedAt = now;
    else if (this.#closings.size < LIMITS.pendingRequestsMax && clusterRecord(this.#context.state, home)) {
      const never = Number.NEGATIVE_INFINITY;
      this.#closings.set(requestId, {
        home,
        fenced: new Set(),
        recordSince: undefined,
        askedAt: never,
        wantedAt: now,
        proposedAt: never,
      });
    }
    return true;
  }

  fenced(from: ServerName, { requestId, hasRecord }: FencedMessage): void {
    const closing = this.#closings.get(requestId);
    if (!closing || !clusterRecord(this.#context.state, closing.home)?.settled.members.includes(from)) return;
    if (hasRecord) closing.recordSince ??= this.#context.now;
    else closing.fenced.add(from);
    this.#advance(requestId, closing);
  }

  /** What this member refused is forgotten: its journal is not the one that remembers it. */
  forget(server: ServerName): void {
    for (const closing of this.#closings.values()) closing.fenced.delete(server);
  }

  /** Every {@link MASTER_TIMES.dutyMs} on the primary, while something waits. */
  run(): void {
    const { now, state } = this.#context;
    for (const [requestId, closing] of this.#closings) {
      if (state.outcomes.has(requestId) || now >= closing.wantedAt + MASTER_TIMES.closingForgottenMs) {
        this.#closings.delete(requestId);
        continue;
      }
      this.#ask(requestId, closing);
      this.#advance(requestId, closing);
    }
  }

  #ask(requestId: RequestId, closing: Closing): void {
    if (this.#context.now < closing.askedAt + MASTER_TIMES.fenceResendMs) return;
    closing.askedAt = this.#context.now;
    const home = clusterRecord(this.#context.state, closing.home);
    for (const member of home?.settled.members ?? []) {
      if (closing.fenced.has(member)) continue;
      this.#context.send("state-replica", member, { kind: "fence", requestId, home: closing.home });
    }
  }

  #advance(requestId: RequestId, closing: Closing): void {
    const { now, state } = this.#context;
    const home = clusterRecord(state, closing.home);
    if (!home || now < closing.proposedAt + MASTER_TIMES.commandResendMs) return;
    const { members, faultsTolerated } = home.settled;
    const fences = members.filter((member) => closing.fenced.has(member)).length;
    if (fences >= vouching(faultsTolerated) && members.length > 0) {
      closing.proposedAt = now;
      this.#context.propose({ kind: "close", requestId, home: closing.home });
    } else if (closing.recordSince !== undefined && now >= closing.recordSince + MASTER_TIMES.closingStuckMs) {
      closing.recordSince = undefined;
      if (home.opened.epoch !== home.settled.epoch) return;
      const { epoch, holder, wanted } = home.opened;
      const clusters = toRanges([closing.home]);
      this.#context.propose({
        kind: "openEpoch",
        ...{ clusters, epochMax: epoch, holder, ...wanted, invalid: [] },
      });
    }
  }
}
