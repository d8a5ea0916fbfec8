/**
 * Predecessors that are missing while changes wait for them. The execution server is asked to send them again at once
 * and every 50 ms; after 200 ms the masters hear of the gap and open a new epoch, which ends it whatever its cause.
 */
import { type Epoch, LIMITS, type ObjectClusterNumber, type ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import { put, type Replica, type Turn } from "./context.ts";
import { reportRefusal } from "./refusals.ts";

const RESEND_MS = 50;
const RESEND_FIRST_MS = 10;
const REPORT_MS = 500;

interface Gap {
  readonly cluster: ObjectClusterNumber;
  readonly epoch: Epoch;
  readonly from: ServerName;
  /** Key of the held changes that wait (`held-changes.ts`). */
  readonly key: string;
  readonly since: number;
}

export class Gaps {
  /** One per cluster: the first noticed. */
  readonly #open = new Map<ObjectClusterNumber, Gap>();
  readonly #resendAskedAt = new Map<ServerName, number>();
  readonly #reportedAt = new Map<Epoch, number>();
  #checkAt: number | undefined;

  notice(replica: Replica, turn: Turn, gap: Omit<Gap, "since">): void {
    const known = this.#open.get(gap.cluster);
    if (!known || known.epoch !== gap.epoch || !replica.held.has(known.key))
      this.#open.set(gap.cluster, { ...gap, since: turn.now });
    this.#checkAt ??= turn.now + RESEND_MS;
    this.#askResend(replica, turn, gap, RESEND_FIRST_MS);
  }

  #askResend(replica: Replica, turn: Turn, { cluster, epoch, from }: Omit<Gap, "since">, spacingMs: number): void {
    const askedAt = this.#resendAskedAt.get(from);
    if (askedAt !== undefined && turn.now - askedAt < spacingMs) return;
    this.#resendAskedAt.set(from, turn.now);
    const fromSerial = replica.store.clusters.get(cluster).lastSerial + 1;
    put(turn, send("execution-server", from, { kind: "resend", epoch, fromSerial }));
  }

  check(replica: Replica, turn: Turn): void {
    if (this.#checkAt === undefined || turn.now < this.#checkAt) return;
    for (const gap of [...this.#open.values()]) {
      const state = replica.store.clusters.get(gap.cluster);
      if (state.installed.epoch !== gap.epoch || !replica.held.has(gap.key)) {
        this.#open.delete(gap.cluster);
        continue;
      }
      this.#askResend(replica, turn, gap, RESEND_MS);
      if (turn.now - gap.since >= LIMITS.gapMs) this.#report(replica, turn, gap, state.lastSerial + 1);
    }
    this.#checkAt = this.#open.size > 0 ? turn.now + RESEND_MS : undefined;
  }

  /** One report per epoch is enough: a new epoch is opened for the whole domain. */
  #report(replica: Replica, turn: Turn, { epoch, cluster, from, key }: Gap, fromSerial: number): void {
    const reportedAt = this.#reportedAt.get(epoch);
    if (reportedAt !== undefined && turn.now - reportedAt < REPORT_MS) return;
    this.#reportedAt.clear();
    this.#reportedAt.set(epoch, turn.now);
    for (const master of replica.configuration.masters)
      put(turn, send("state-master", master, { kind: "gap", epoch, cluster, fromSerial }));
    reportGap(replica, turn, { from, key, cluster });
  }

  get wakeAt(): number | undefined {
    return this.#checkAt;
  }
}

/** It was asked again and again, and sends what follows but not this: told to the regulator as partial multicast. */
function reportGap(replica: Replica, turn: Turn, { from, key, cluster }: Pick<Gap, "from" | "key" | "cluster">): void {
  const waiting = replica.held.first(key);
  if (!waiting) return;
  const { requestId, attempt } = waiting.record.ticket.body;
  const detail = `what cluster ${cluster} had before it is missing, and was not sent again`;
  reportRefusal(replica, turn, from, { requestId, attempt, reason: "gap", detail, act: "partial-multicast" });
}
