/**
 * Shadow results in the basic profile: the versions the result starts from are fetched from the home cluster's members,
 * the result is tested, the verdict goes to the regulator. Nothing is kept but the verdict, for a while.
 */
import type { ChangeRecord, Digest, RecordMessage, ServerName, ShadowResultMessage, Verdict } from "@redoubt/shared";
import { GENESIS_OPERATION, judgeGenesis } from "../application-port.ts";
import { send } from "../core.ts";
import { digestChange, digestTicket, summarize } from "../digests.ts";
import { trimOldest } from "../recent.ts";
import { findRecordFlaw, hasRightInput } from "../well-formed.ts";
import { composeTest, ProvenVersions, startingVersions } from "./before.ts";
import type { Engine, Turn } from "./engine.ts";

const RUNS_MAX = 256;
const RUN_NAME_MAX = 256;
const RUNNING_PER_SENDER_MAX = 32;
const FETCH_RETRY_MS = 100;
const FETCHES_MAX = 50;
const PREFIX = "shadow:";

interface ShadowRun {
  readonly run: string;
  readonly from: ServerName;
  readonly record: ChangeRecord;
  readonly digest: Digest;
  readonly versions: ProvenVersions;
  stage: "fetching" | "testing" | "tested";
  verdict: Verdict | undefined;
  asked: number;
  againAt: number;
}

export class ShadowRuns {
  /** By test name. */
  readonly #runs = new Map<string, ShadowRun>();

  receive(engine: Engine, turn: Turn, from: ServerName, { run, record }: ShadowResultMessage): void {
    const { hasher } = engine.dependencies;
    if (run.length > RUN_NAME_MAX || findRecordFlaw(record) || !hasRightInput(hasher, record)) return;
    if (record.ticket.body.executionServer !== from) return;
    const digest = digestChange(hasher, summarize(hasher, record));
    const test = `${PREFIX}${run}:${digest}`;
    const known = this.#runs.get(test);
    if (known) {
      if (known.verdict) sendVerdict(engine, turn, known, known.verdict);
      return;
    }
    const running = [...this.#runs.values()].filter((other) => other.from === from && !other.verdict).length;
    if (running >= RUNNING_PER_SENDER_MAX) return;
    const versions = new ProvenVersions(hasher);
    const shadow: ShadowRun = {
      run,
      from,
      record,
      digest,
      versions,
      stage: "fetching",
      verdict: undefined,
      asked: 0,
      againAt: 0,
    };
    this.#runs.set(test, shadow);
    trimOldest(this.#runs, RUNS_MAX);
    if (!this.#startTest(engine, turn, test, shadow)) this.#ask(engine, turn, test, shadow);
  }

  #ask(engine: Engine, turn: Turn, test: string, shadow: ShadowRun): void {
    const { body } = shadow.record.ticket;
    const members = body.clusters.find((entry) => entry.cluster === body.home)?.members ?? [];
    const member = members[shadow.asked % members.length];
    if (shadow.asked++ >= FETCHES_MAX || member === undefined) {
      this.#finish(engine, turn, test, shadow, {
        kind: "unable",
        detail: "no member gave the versions it starts from",
      });
      return;
    }
    shadow.againAt = turn.now + FETCH_RETRY_MS;
    const versions = startingVersions(shadow.record);
    turn.effects.push(send("state-replica", member, { kind: "fetchRecord", digest: shadow.digest, versions }));
  }

  /** True when the record was for a shadow run. */
  receiveRecord(engine: Engine, turn: Turn, { digest, before }: RecordMessage): boolean {
    let isShadow = false;
    for (const [test, shadow] of this.#runs) {
      if (shadow.digest !== digest || shadow.stage !== "fetching") continue;
      isShadow = true;
      shadow.versions.add(before, startingVersions(shadow.record));
      this.#startTest(engine, turn, test, shadow);
    }
    return isShadow;
  }

  #startTest(engine: Engine, turn: Turn, test: string, shadow: ShadowRun): boolean {
    const effect = composeTest(test, shadow.record, shadow.versions);
    if (!effect) return false;
    shadow.stage = "testing";
    if (effect.operation === GENESIS_OPERATION)
      this.#finish(engine, turn, test, shadow, judgeGenesis(engine.applications.of(effect.applicationVersion), effect));
    else turn.effects.push(effect);
    return true;
  }

  /** False when the test is not a shadow's. */
  tested(engine: Engine, turn: Turn, test: string, verdict: Verdict): boolean {
    if (!test.startsWith(PREFIX)) return false;
    const shadow = this.#runs.get(test);
    if (shadow?.stage === "testing") this.#finish(engine, turn, test, shadow, verdict);
    return true;
  }

  #finish(engine: Engine, turn: Turn, test: string, shadow: ShadowRun, verdict: Verdict): void {
    shadow.stage = "tested";
    shadow.verdict = verdict;
    if (verdict.kind === "unable") this.#runs.delete(test);
    sendVerdict(engine, turn, shadow, verdict);
  }

  runTimers(engine: Engine, turn: Turn): void {
    for (const [test, shadow] of [...this.#runs])
      if (shadow.stage === "fetching" && turn.now >= shadow.againAt) this.#ask(engine, turn, test, shadow);
  }

  get wakeAt(): number | undefined {
    let at: number | undefined;
    for (const { stage, againAt } of this.#runs.values())
      if (stage === "fetching") at = Math.min(at ?? againAt, againAt);
    return at;
  }
}

function sendVerdict(
  engine: Engine,
  turn: Turn,
  { run, digest, from, record }: Pick<ShadowRun, "run" | "digest" | "from" | "record">,
  verdict: Verdict,
): void {
  const ticketDigest = digestTicket(engine.dependencies.hasher, record.ticket.body);
  const whose = { executionServer: from, ticketDigest };
  const message = { kind: "shadowVerdict", run, verdict, resultDigest: digest, ...whose } as const;
  turn.effects.push(send("traffic-regulator", engine.epochs.regulator, message));
}
