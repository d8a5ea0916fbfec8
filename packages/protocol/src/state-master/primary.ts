/**
 * The duties of the primary among the masters: collecting reports, verifying, settling epochs, closing requests. All of
 * it is memory that a new primary rebuilds from what members and regulator repeat; what counts is in the replicated
 * state. It decides nothing: it proposes, and sees what came of it when commands are applied.
 */
import {
  type ClaimPrimaryMessage,
  type DamageMessage,
  isRequestId,
  type RequestEpochMessage,
  type RequestId,
  type ServerName,
  type ToStateMaster,
} from "@redoubt/shared";
import type { Sender } from "../core.ts";
import type { ChecksumAudit } from "./checksum-audit.ts";
import { Closings } from "./closings.ts";
import type { MasterCommand } from "./commands.ts";
import { MASTER_TIMES, type MasterContext } from "./context.ts";
import type { EpochRequests } from "./epoch-requests.ts";
import type { MembershipKeeper } from "./membership-keeper.ts";
import { isOpeningOutdated, isValidOpening } from "./metadata-epochs.ts";
import { ReportCollector } from "./report-collector.ts";
import { SettlementDriver } from "./settlement-driver.ts";
import { VerifyPipeline } from "./verify-pipeline.ts";

/** Request ids in one question. */
const OUTCOMES_MAX = 4096;
interface UnconfirmedQuestion {
  readonly to: ServerName;
  readonly requests: readonly RequestId[];
  readonly number: number;
  readonly askedAt: number;
}

const NONCE_MAX = 128;
const KEY_PATTERN = /^([0-9a-f]{64})?$/;

const DAMAGE_EVENTS_MAX = 256;

/** What every master has, primary or not. */
export interface PrimaryParts {
  readonly requests: EpochRequests;
  readonly membership: MembershipKeeper;
  readonly audit: ChecksumAudit;
  readonly managers: readonly ServerName[];
}

export class Primary {
  readonly #context: MasterContext;
  readonly #requests: EpochRequests;
  readonly #membership: MembershipKeeper;
  readonly #audit: ChecksumAudit;
  readonly #managers: readonly ServerName[];
  readonly #collector: ReportCollector;
  readonly #pipeline: VerifyPipeline;
  readonly #settlements: SettlementDriver;
  readonly #closings: Closings;
  #unconfirmed: UnconfirmedQuestion[] = [];

  constructor(context: MasterContext, parts: PrimaryParts) {
    this.#context = context;
    this.#requests = parts.requests;
    this.#membership = parts.membership;
    this.#audit = parts.audit;
    this.#managers = parts.managers;
    this.#collector = new ReportCollector(context);
    this.#settlements = new SettlementDriver(context, (clusters) => this.#pipeline.hasInFlight(clusters));
    this.#pipeline = new VerifyPipeline(context, this.#collector, (cluster) => this.#settlements.isHeldBack(cluster));
    this.#closings = new Closings(context);
  }

  /** On becoming the primary, and on ceasing to be it. */
  reset(): void {
    this.#collector.clear();
    this.#pipeline.clear();
    this.#settlements.clear();
    this.#closings.clear();
    this.#unconfirmed = [];
    this.#membership.clear();
    this.#audit.clear();
  }

  /** After commands were applied; also once on becoming the primary, with none. */
  applied(commands: readonly MasterCommand[]): void {
    let hasSettled = false;
    if (commands.some(({ kind }) => kind !== "verify" && kind !== "close")) this.#membership.review();
    for (const command of commands) {
      if (command.kind === "identify") this.#closings.forget(command.server);
      else if (command.kind === "verify") this.#pipeline.applied(command);
      else if (command.kind === "settle") {
        hasSettled = true;
        this.#settlements.settleApplied(command.epoch);
      }
    }
    this.#settlements.sync();
    this.#settlements.run();
    if (!hasSettled) return;
    this.#collector.dropDead();
    this.#pipeline.offer(this.#collector.all());
  }

  /** What waits is looked at; every {@link MASTER_TIMES.dutyMs} while something does. */
  run(): void {
    this.#settlements.run();
    this.#closings.run();
    this.#requests.run();
    this.#membership.run();
    this.#collector.prune();
  }

  get isWaiting(): boolean {
    return (
      this.#settlements.isWaiting || this.#closings.isWaiting || this.#requests.isWaiting || this.#membership.isWaiting
    );
  }

  /** At the end of every step. */
  flush(): void {
    this.#pipeline.flush();
  }

  get flushAt(): number {
    return this.#pipeline.flushAt;
  }

  receive(from: Sender, message: ToStateMaster): void {
    switch (message.kind) {
      case "report":
        this.#pipeline.offer(this.#collector.take(from, message));
        break;
      case "promised":
        this.#settlements.promised(from.server, message);
        break;
      case "fenced":
        this.#closings.fenced(from.server, message);
        break;
      case "gap":
        this.#requests.gap(from.server, message);
        break;
      case "requestEpoch":
        this.#requestEpoch(from, message);
        break;
      case "close":
        if (isRequestId(message.requestId) && !this.#closings.want(message))
          this.#tellOutcomes(from, [message.requestId]);
        break;
      case "outcomeOf":
        this.#tellOutcomes(from, message.requests.slice(0, OUTCOMES_MAX));
        break;
      case "claimPrimary":
        this.#claimPrimary(from, message);
        break;
      case "checksums": {
        const whole = this.#audit.take(from.server, message);
        if (whole) this.#membership.whole(from.server, whole);
        break;
      }
      case "damage":
        this.#tellDamage(from, message);
        break;
      case "paxos":
      case "follow":
      case "metadataQuery":
      case "changeMasters":
      case "fetchRows":
      case "rows":
        // Handled by every master, primary or not (`state-master.ts`), or by the process around the core.
        break;
    }
  }

  /** Only the regulator that holds the lease may move leases. */
  #requestEpoch(from: Sender, message: RequestEpochMessage): void {
    const lease = this.#context.state.leases.get("traffic-regulator");
    if (lease && lease.server !== from.server) return;
    const { clusters, epochMax, holder, members, faultsTolerated, invalid, part } = message;
    const opening = { clusters, epochMax, holder, members, faultsTolerated, invalid, ...(part ? { part } : {}) };
    if (!isValidOpening(opening) || isOpeningOutdated(this.#context.state, opening)) return;
    this.#context.propose({ kind: "openEpoch", ...opening });
  }

  /** Each event is acknowledged when it has been told; told twice, the manager knows it by its number. */
  #tellDamage(from: Sender, message: DamageMessage): void {
    const events = message.events.slice(0, DAMAGE_EVENTS_MAX);
    const last = events.at(-1);
    if (!last) return;
    for (const manager of this.#managers)
      this.#context.send("configuration-manager", manager, { kind: "storageEvents", server: from.server, events });
    this.#context.send("state-replica", from.server, { kind: "damageNoted", through: last.number });
  }

  /**
   * What is decided stays decided and is said at once. That something is not decided may be old news from a master that
   * no longer leads: it is said only once a majority has confirmed, after the question came, that this one does.
   */
  #tellOutcomes(from: Sender, requests: readonly RequestId[]): void {
    if (from.component !== "traffic-regulator") return;
    if (requests.every((requestId) => this.#context.state.outcomes.has(requestId))) {
      this.#say(from.server, requests);
      return;
    }
    if (this.#unconfirmed.length >= MASTER_TIMES.unconfirmedMax) return;
    const number = this.#context.askForConfirmation();
    this.#unconfirmed.push({ to: from.server, requests, number, askedAt: this.#context.now });
  }

  /** At the end of every step: questions up to this number are confirmed. */
  confirmed(number: number): void {
    if (this.#unconfirmed.length === 0) return;
    const { now } = this.#context;
    const waiting = this.#unconfirmed.filter((question) => question.number > number);
    for (const { to, requests, number: asked } of this.#unconfirmed) if (asked <= number) this.#say(to, requests);
    this.#unconfirmed = waiting.filter(({ askedAt }) => now < askedAt + MASTER_TIMES.unconfirmedMs);
  }

  #say(to: ServerName, requests: readonly RequestId[]): void {
    if (requests.length === 0) return;
    const outcomes = requests.map((requestId) => ({
      requestId,
      outcome: this.#context.state.outcomes.get(requestId) ?? ({ kind: "unknown" } as const),
    }));
    this.#context.send("traffic-regulator", to, { kind: "outcomes", outcomes });
  }

  #claimPrimary(from: Sender, { component, nonce, mastersKey }: ClaimPrimaryMessage): void {
    if (from.component !== component || nonce === "" || nonce.length > NONCE_MAX) return;
    if (!KEY_PATTERN.test(mastersKey) || this.#context.state.nonces.has(nonce)) return;
    this.#context.propose({ kind: "claimPrimary", component, server: from.server, nonce, mastersKey });
  }

  get dutyMs(): number {
    return this.isWaiting ? MASTER_TIMES.dutyMs : MASTER_TIMES.idleDutyMs;
  }
}
