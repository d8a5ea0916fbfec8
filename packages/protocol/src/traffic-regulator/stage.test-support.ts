/**
 * A stage for stories: the real regulator core, with a script that plays masters, members and execution servers one line at
 * a time. What the core does is written down as a transcript in words, for golden tests.
 */
import {
  type AnyMessage,
  type Component,
  componentOf,
  type Decision,
  type Digest,
  type RegulatorConfigurationMessage,
  type RequestId,
  type ServerName,
  type SlotDecisions,
  type Ticket,
  type Verdict,
} from "@redoubt/shared";
import type { Checkpoint } from "../core.ts";
import { digestEvidence, digestReply, digestText, digestTicket } from "../digests.ts";
import { nodeHasher as hasher } from "../testing/hasher.test-support.ts";
import { createTrafficRegulator } from "./regulator.ts";
import {
  application,
  changeOf,
  configurationOf,
  credentialOf,
  MASTERS,
  MEMBERS,
  recordLine,
  SIGN_OF_LIFE,
  summaryOf,
} from "./stage-cast.test-support.ts";
import type {
  RegulatorRecord,
  RespondEffect,
  TrafficRegulator,
  TrafficRegulatorConfiguration,
  TrafficRegulatorEffect,
  TrafficRegulatorInput,
} from "./types.ts";

export * from "./stage-cast.test-support.ts";

const ALL = [{ from: 0, to: 1023 }];

export interface Dispatched {
  readonly ticket: Ticket;
  readonly server: ServerName;
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly disposable: boolean;
  readonly run: string | undefined;
}

export interface AnswerOptions {
  readonly verdict?: Verdict;
  readonly change?: string;
  readonly reply?: string;
  readonly follows?: readonly Digest[];
  readonly durable?: boolean;
}

const REPLY = '{"body":{"done":true},"status":200}';
export const PASS: Verdict = { kind: "pass" };
export const fails = (check = "conserves"): Verdict => ({ kind: "fail", check, detail: `${check} does not hold` });
export class Stage {
  now = 1_000;
  core: TrafficRegulator;
  readonly journal: RegulatorRecord[] = [];
  readonly transcript: string[] = [];
  readonly dispatches: Dispatched[] = [];
  readonly shadowRuns: Dispatched[] = [];
  readonly responses = new Map<string, RespondEffect>();
  readonly facts: { readonly kind: string }[] = [];
  readonly sent: { readonly to: ServerName; readonly message: AnyMessage }[] = [];
  readonly #configuration: TrafficRegulatorConfiguration;
  readonly #names = new Map<RequestId, string>();
  readonly #slots: SlotDecisions[] = [];
  #through = 0;
  #keys = 0;
  #exchanges = 0;
  /** The masters answer `requestEpoch` and `claimPrimary` at once. */
  mastersAnswer = true;
  random: () => number = () => 0.5;
  #queued: (() => void)[] = [];

  constructor(
    wanted: Partial<RegulatorConfigurationMessage> = {},
    configuration: Partial<TrafficRegulatorConfiguration> = {},
  ) {
    this.#configuration = {
      self: "traffic-regulator-1",
      masters: MASTERS,
      application,
      initial: configurationOf(wanted),
      ...configuration,
    };
    this.core = this.#create();
    this.input({ kind: "start", durable: [] });
    this.transcript.length = 0;
  }

  #create(): TrafficRegulator {
    return createTrafficRegulator(
      {
        hasher,
        random: () => this.random(),
        verifySignature: (publicKey, digest, signature) => signature === `${publicKey} signed ${digest}`,
        makeKey: () => digestText(hasher, "key", String(this.#keys++)),
      },
      this.#configuration,
    );
  }

  /** kill -9 and a new process on the same journal, from a checkpoint where one is given: what is below it is cut. */
  restart(checkpoint?: Checkpoint): void {
    this.transcript.push("-- regulator restarts");
    this.core = this.#create();
    const through = checkpoint?.through ?? 0;
    if (checkpoint) this.input({ kind: "restore", checkpoint: checkpoint.parts, through });
    this.input({ kind: "replay", first: through, records: this.journal.slice(through) });
    this.input({ kind: "start", durable: [] });
  }

  checkpoint(): Checkpoint {
    const checkpoint = this.core.checkpoint();
    if (!checkpoint) throw new Error("a regulator that has started has a checkpoint");
    return checkpoint;
  }

  input(input: Record<string, unknown> & { readonly kind: string }): void {
    const effects = this.core.step({
      ...input,
      now: this.now,
      wall: 1_700_000_000_000 + this.now,
    } as TrafficRegulatorInput);
    for (const effect of effects) this.#perform(effect);
    while (this.#queued.length > 0) (this.#queued.shift() as () => void)();
  }

  message(from: ServerName, message: AnyMessage): void {
    this.input({ kind: "message", from: { component: componentOf(from) as Component, server: from }, message });
  }

  /** Lets time pass, with a tick whenever the core wants one. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const wakeAt = Math.max(this.core.wakeAt ?? Number.POSITIVE_INFINITY, this.now);
      if (wakeAt > end) break;
      this.now = Math.max(wakeAt, this.now + 0.01);
      this.input({ kind: "tick" });
    }
    this.now = end;
  }

  /** Everybody sends a sign of life, as they do on a real cluster. */
  heartbeat(): void {
    this.decide();
    for (const member of MEMBERS) this.signOfLife(member);
  }

  signOfLife = (member: ServerName): void => this.message(member, SIGN_OF_LIFE);

  /** One slot of decisions. */
  decide(...decisions: Decision[]): number {
    const slot = ++this.#through;
    if (decisions.length > 0) this.#slots.push({ slot, at: 0, decisions });
    this.#stream(slot - 1);
    return slot;
  }

  #stream(after: number): void {
    const slots = this.#slots.filter(({ slot }) => slot > after);
    const primary = MASTERS[0] as string;
    this.message(primary, { kind: "stream", after, through: this.#through, slots, primary });
  }

  get nextSlot(): number {
    return this.#through + 1;
  }

  admit(client: string, input: Record<string, unknown>, options: Record<string, unknown> = {}): string {
    const exchange = `x${++this.#exchanges}`;
    this.input({
      kind: "admit",
      exchange,
      credentialDigest: credentialOf(client),
      address: "127.9.0.1",
      operation: "put",
      inputText: JSON.stringify(input),
      ...options,
    });
    return exchange;
  }

  dispatch(
    client: string,
    input: Record<string, unknown>,
    options: Record<string, unknown> = {},
  ): Dispatched & { exchange: string } {
    const before = this.dispatches.length;
    const exchange = this.admit(client, input, options);
    const dispatched = this.dispatches[before];
    if (!dispatched) throw new Error(`nothing was dispatched: ${JSON.stringify(this.responses.get(exchange))}`);
    return { ...dispatched, exchange };
  }

  answer(member: ServerName, dispatched: Dispatched, options: AnswerOptions = {}): void {
    const { verdict, change = "change", reply, follows = [], durable = true } = options;
    this.message(member, {
      kind: "answer",
      requestId: dispatched.requestId,
      attempt: dispatched.attempt,
      changeDigest: changeOf(dispatched, change),
      replyDigest: digestReply(hasher, reply ?? REPLY),
      follows,
      durable,
      known: false,
      ...(verdict ? { verdict } : {}),
      reply: reply ?? REPLY,
    });
  }

  /** All members hold the change and the named testers give this verdict. */
  answerAll(dispatched: Dispatched, options: AnswerOptions = { verdict: PASS }): void {
    for (const member of MEMBERS) {
      const { verdict, ...rest } = options;
      const tests = verdict && dispatched.ticket.body.testers.includes(member);
      this.answer(member, dispatched, tests ? options : rest);
    }
  }

  shadowVerdicts(run: Dispatched, verdict: Verdict): void {
    for (const tester of run.ticket.body.testers)
      this.message(tester, {
        kind: "shadowVerdict",
        run: run.run ?? "",
        verdict,
        resultDigest: digestText(hasher, "result", run.run ?? ""),
        executionServer: run.server,
        ticketDigest: digestTicket(hasher, run.ticket.body),
      });
  }

  executionFailed(
    dispatched: Dispatched,
    reason: "crash" | "timeout" | "cpu" | "thrown",
    alsoInside: RequestId[] = [],
  ): void {
    const { server, requestId, attempt, run } = dispatched;
    this.message(server, {
      kind: "executionFailed",
      requestId,
      attempt,
      reason,
      detail: reason,
      alsoInside,
      ...(run === undefined ? {} : { run }),
    });
  }

  evidence(member: ServerName, dispatched: Dispatched, change: string): void {
    const digests = [changeOf(dispatched, change)];
    this.message(member, {
      kind: "evidenceReport",
      requestId: dispatched.requestId,
      attempt: dispatched.attempt,
      changeDigest: changeOf(dispatched, change),
      summary: summaryOf(dispatched, change),
      evidence: { digests, signature: `key of ${dispatched.server} signed ${digestEvidence(hasher, digests)}` },
    });
  }

  verified(dispatched: Dispatched, change = "change"): Decision {
    return {
      kind: "verified",
      change: { digest: changeOf(dispatched, change), requestId: dispatched.requestId, attempt: dispatched.attempt },
      replyDigest: digestReply(hasher, REPLY),
      clusters: dispatched.ticket.body.clusters.map(({ cluster }) => cluster),
      readOnly: dispatched.ticket.body.readOnly,
      testers: [],
    };
  }

  status(exchange: string): number | undefined {
    return this.responses.get(exchange)?.status;
  }

  factsOf(kind: string): Record<string, unknown>[] {
    return this.facts.filter((fact) => fact.kind === kind) as never;
  }

  sentOf(kind: string): { readonly to: ServerName; readonly message: AnyMessage }[] {
    return this.sent.filter(({ message }) => message.kind === kind);
  }

  /** Gives a request a name in the transcript. */
  name(requestId: RequestId): string {
    const name = this.#names.get(requestId) ?? `r${this.#names.size + 1}`;
    this.#names.set(requestId, name);
    return name;
  }

  #perform(effect: TrafficRegulatorEffect): void {
    switch (effect.kind) {
      case "append":
        this.journal.push(effect.record);
        this.#note(recordLine((requestId) => this.name(requestId), effect.record));
        return;
      case "respond": {
        this.responses.set(effect.exchange, effect);
        const replayed = effect.headers["idempotent-replayed"] ? " replayed" : "";
        this.#note(`-> ${effect.exchange}: ${effect.status}${replayed}`);
        return;
      }
      case "publish":
        if (effect.fact.kind === "fact") this.facts.push(effect.fact.fact);
        return;
      case "send":
        this.#send(effect.to, effect.message);
    }
  }

  #send(to: ServerName, message: AnyMessage): void {
    this.sent.push({ to, message });
    switch (message.kind) {
      case "dispatch":
      case "shadowRun": {
        const { body } = message.ticket;
        const { requestId, attempt } = body;
        const run = message.kind === "shadowRun" ? message.run : undefined;
        const disposable = message.kind === "dispatch" && message.disposable;
        const entry = { ticket: message.ticket, server: to, requestId, attempt, disposable, run };
        (run === undefined ? this.dispatches : this.shadowRuns).push(entry);
        this.#note(`${to}: ${message.kind} ${this.name(requestId)}/${attempt}${disposable ? " alone" : ""}`);
        return;
      }
      case "requestEpoch": {
        const invalid = message.invalid.map((change) => this.name(change.requestId)).join();
        this.#note(`${to}: requestEpoch for ${message.holder}${invalid && ` without ${invalid}`}`);
        if (this.mastersAnswer) this.#queued.push(() => this.settle(message.holder, message.epochMax));
        return;
      }
      case "claimPrimary": {
        const { nonce } = message;
        if (to === MASTERS[0] && this.mastersAnswer)
          this.#queued.push(() => {
            const component = "traffic-regulator" as const;
            this.decide({ kind: "primary", component, server: "traffic-regulator-1", epoch: this.nextSlot, nonce });
          });
        return;
      }
      case "follow": {
        const { after } = message;
        if (to === MASTERS[0] && this.mastersAnswer) this.#queued.push(() => this.#stream(after));
        return;
      }
      case "close":
        this.#note(`${to}: close ${this.name(message.requestId)}`);
        return;
      default:
    }
  }

  /** A new epoch for everything, settled. */
  settle(holder: ServerName, epochMax = Number.POSITIVE_INFINITY, survivors: Dispatched[] = []): void {
    if ((this.core.placement()[0]?.epoch ?? 0) > epochMax) return;
    const epoch = this.open(holder);
    this.transcript.push(`== epoch for ${holder} settled`);
    const kept = survivors.map((each) => ({
      digest: changeOf(each),
      requestId: each.requestId,
      attempt: each.attempt,
    }));
    this.decide({ kind: "settled", clusters: ALL, epoch, survivors: kept, voided: [] });
  }

  open(holder: ServerName): number {
    const epoch = this.nextSlot;
    this.decide({
      kind: "epochOpened",
      clusters: ALL,
      epoch,
      holder,
      members: MEMBERS,
      faultsTolerated: 1,
      invalid: [],
    });
    return epoch;
  }

  #note(line: string | undefined): void {
    if (line !== undefined) this.transcript.push(line);
  }
}
