/**
 * Shadow results (PROTOCOL §10): another execution server ran the request again. The result is tested on the versions
 * stored here and answered with a verdict; nothing of it is kept.
 */
import { type Digest, type ServerName, type ShadowResultMessage, type Verdict, ZERO_DIGEST } from "@redoubt/shared";
import { send } from "../core.ts";
import { trimOldest } from "../recent.ts";
import { shadowRunName } from "../shadow-run-name.ts";
import { put, type Replica, type Turn } from "./context.ts";
import { examineChange, examineTicket, refuse } from "./examination.ts";
import { sendRefusal } from "./refusals.ts";
import { runTest } from "./tests.ts";

const RUNS_MAX = 256;
const RUN_NAME_MAX = 256;
const RUNNING_PER_SENDER_MAX = 32;
const PREFIX = "shadow:";

interface ShadowTest {
  readonly run: string;
  readonly from: ServerName;
  readonly ticketDigest: Digest;
  readonly resultDigest: Digest;
  verdict: Verdict | undefined;
}

export class ShadowTests {
  /** By run and result; a run repeated with another result is tested too. */
  readonly #tests = new Map<string, ShadowTest>();

  receive(replica: Replica, turn: Turn, from: ServerName, { run, record }: ShadowResultMessage): void {
    if (!replica.configuration.hostsAcceptanceTests || run.length > RUN_NAME_MAX) return;
    // Nobody is judged by a result that is not the named server's; the regulator asks again or gives the run up.
    const ticket = examineTicket(replica.examiner, from, record.ticket);
    if (ticket.kind === "refuse") sendRefusal(replica, turn, from, record.ticket.body, ticket);
    if (ticket.kind !== "examined") return;
    const { ticketDigest } = ticket;
    const { body } = record.ticket;
    replica.budgets.grant(from, body, turn);
    if (run !== shadowRunName(body)) {
      const refusal = refuse("malformed", "a result for a shadow run of another name", "fabricated-reply");
      sendRefusal(replica, turn, from, body, refusal, () => ({ ticketDigest }));
      return;
    }
    const examined = examineChange(replica.examiner, from, record);
    // The order comes again; a version of the application that is not here will be.
    if (examined.kind === "keyMissing" || examined.kind === "versionMissing") return;
    if (examined.kind === "refuse") {
      const verdict = { kind: "fail", check: examined.reason, detail: examined.detail } as const;
      sendVerdict(replica, turn, { run, from, ticketDigest, resultDigest: ZERO_DIGEST }, verdict);
      return;
    }
    const test = `${PREFIX}${run}:${examined.digest}`;
    const known = this.#tests.get(test);
    if (known) {
      if (known.verdict) sendVerdict(replica, turn, known, known.verdict);
      return;
    }
    const running = [...this.#tests.values()].filter((other) => other.from === from && !other.verdict).length;
    if (running >= RUNNING_PER_SENDER_MAX) return;
    this.#tests.set(test, { run, from, ticketDigest, resultDigest: examined.digest, verdict: undefined });
    trimOldest(this.#tests, RUNS_MAX);
    runTest(replica, turn, test, record, (later, verdict) => this.tested(replica, later, test, verdict));
  }

  /** False when the test is not a shadow's. */
  tested(replica: Replica, turn: Turn, test: string, verdict: Verdict): boolean {
    if (!test.startsWith(PREFIX)) return false;
    const shadow = this.#tests.get(test);
    if (!shadow) return true;
    if (verdict.kind === "unable") this.#tests.delete(test);
    else shadow.verdict = verdict;
    sendVerdict(replica, turn, shadow, verdict);
    return true;
  }
}

function sendVerdict(
  replica: Replica,
  turn: Turn,
  { run, from, ticketDigest, resultDigest }: Omit<ShadowTest, "verdict">,
  verdict: Verdict,
): void {
  const message = { kind: "shadowVerdict", run, verdict, resultDigest, executionServer: from, ticketDigest } as const;
  put(turn, send("traffic-regulator", replica.regulator.server, message));
}
