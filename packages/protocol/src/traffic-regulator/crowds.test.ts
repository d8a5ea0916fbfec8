import type { RequestId, ServerName } from "@redoubt/shared";
import { describe, expect, test } from "vitest";
import { configurationOf, type Dispatched, fails, PASS, SERVERS, Stage } from "./stage.test-support.ts";

const CLIENTS = ["bob", "carol", "dave"];

/** The manager: a discarded process is replaced by another of its name, facts are acknowledged. */
class Manager {
  readonly #stage: Stage;
  readonly #incarnations = new Map<ServerName, number>(SERVERS.map((server) => [server, 1]));
  #version = 1;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  incarnationOf = (server: ServerName): string => String(this.#incarnations.get(server));

  replace(server: ServerName): void {
    this.#incarnations.set(server, (this.#incarnations.get(server) ?? 0) + 1);
    const executionServers = SERVERS.map((name) => ({
      server: name,
      incarnation: String(this.#incarnations.get(name)),
      publicKey: `key of ${name}`,
    }));
    this.#stage.message("configuration-manager-1", configurationOf({ version: ++this.#version, executionServers }));
    const facts = this.#stage.journal.filter((record) => record.kind === "fact");
    const through = facts.at(-1)?.number ?? 0;
    this.#stage.message("configuration-manager-1", { kind: "factsAcknowledged", through });
  }
}

/** Plays the execution servers: good requests are answered, the poison ends what it is in, a discarded process is replaced. */
class Farm {
  readonly stage = new Stage();
  readonly #ends: "worker" | "process";
  readonly #manager = new Manager(this.stage);
  #facts = 0;
  poison: RequestId | undefined;
  /** Processes the poison ran in, in their order. */
  readonly poisoned: string[] = [];
  readonly exchanges: string[] = [];

  constructor(ends: "worker" | "process") {
    this.#ends = ends;
  }

  admitGood(count: number): void {
    for (let index = 0; index < count; index++) {
      const client = CLIENTS[index % CLIENTS.length] as string;
      this.exchanges.push(this.stage.admit(client, { object: `o${this.exchanges.length}` }));
    }
  }

  /** Until nothing is on its way any more. */
  run(): void {
    for (let round = 0; round < 400; round++) {
      const { dispatches, shadowRuns } = this.stage;
      if (dispatches.length === 0 && shadowRuns.length === 0) {
        if (this.stage.core.logs.L3 === 0) return;
        this.#closings();
      }
      this.#deliver(dispatches.splice(0), shadowRuns.splice(0));
      this.#replaceDiscarded();
      this.stage.heartbeat();
      this.stage.pass(50);
    }
    throw new Error("requests are left in L3");
  }

  /** What came in one turn of the event loop is inside together; the poison is met before any of the others is answered. */
  #deliver(dispatches: readonly Dispatched[], runs: readonly Dispatched[]): void {
    const ended = new Set<Dispatched>();
    for (const poisonous of dispatches.filter(({ requestId }) => requestId === this.poison)) {
      const inside = dispatches.filter(({ server }) => server === poisonous.server);
      for (const each of inside) ended.add(each);
      this.#end(poisonous, inside);
    }
    for (const run of runs) {
      if (run.requestId !== this.poison) this.stage.shadowVerdicts(run, PASS);
      else this.#end(run, []);
    }
    for (const good of dispatches) if (!ended.has(good)) this.stage.answerAll(good);
  }

  #end(poisonous: Dispatched, inside: readonly Dispatched[]): void {
    const { server } = poisonous;
    const incarnation = this.#manager.incarnationOf(server);
    this.poisoned.push(`${server} ${incarnation}`);
    if (this.#ends === "process") {
      this.stage.message("configuration-manager-1", {
        kind: "serverGone",
        server,
        incarnation,
        cause: "signal SIGKILL",
      });
      this.#manager.replace(server);
      return;
    }
    const [oldest = poisonous, ...others] = inside;
    this.stage.executionFailed(
      oldest,
      "crash",
      others.map(({ requestId }) => requestId),
    );
  }

  #replaceDiscarded(): void {
    const facts = this.stage.factsOf("discardServer").slice(this.#facts);
    this.#facts += facts.length;
    for (const { server } of facts) this.#manager.replace(server as ServerName);
  }

  #closings(): void {
    for (const { message } of this.stage.sentOf("close").slice(-1))
      if (message.kind === "close")
        this.stage.decide({ kind: "closed", requestId: message.requestId, home: message.home });
  }
}

describe.each(["worker", "process"] as const)("poison that ends its %s", (ends) => {
  test.each([4, 200])("among %i good requests is condemned on three processes, and nobody else is", (count) => {
    const farm = new Farm(ends);
    const { stage } = farm;
    // A server that has proved itself is given much at a time.
    farm.admitGood(200);
    farm.run();
    farm.admitGood(count / 2);
    const exchange = stage.admit("alice", { object: "poison" });
    farm.poison = stage.journal.findLast((record) => record.kind === "admitted")?.requestId;
    farm.admitGood(count / 2);
    farm.run();
    expect(stage.status(exchange)).toBe(403);
    expect(farm.exchanges.map((good) => stage.status(good)).filter((status) => status !== 200)).toEqual([]);
    expect(farm.poisoned).toHaveLength(3);
    expect(new Set(farm.poisoned).size).toBe(3);
    expect(stage.factsOf("quarantined")).toMatchObject([{ requestId: farm.poison, clientId: "alice" }]);
    expect(CLIENTS.filter((principal) => stage.core.isBlocked({ principal }))).toEqual([]);
    const [verdict, ...others] = stage.factsOf("attributed");
    expect(others).toEqual([]);
    expect(verdict).toMatchObject({ guilty: "request", requestId: farm.poison });
    const { runs } = (verdict as { evidence: { runs: { server: string; incarnation: string }[] } }).evidence;
    expect(runs.map(({ server, incarnation }) => `${server} ${incarnation}`)).toEqual(farm.poisoned);
  });
});

test("an attack aimed at one client, a thousand times: each convicts its server, the client is always served (A31)", () => {
  const stage = new Stage();
  const manager = new Manager(stage);
  let convictions = 0;
  for (let attack = 1; attack <= 1_000; attack++) {
    const { exchange, ...first } = stage.dispatch("alice", { object: `o${attack}` });
    stage.answerAll(first, { verdict: fails() });
    const run = stage.shadowRuns.pop() as Dispatched;
    expect(run.server).not.toBe(first.server);
    manager.replace(first.server);
    stage.shadowVerdicts(run, PASS);
    stage.answerAll(stage.dispatches.pop() as Dispatched);
    expect(stage.status(exchange)).toBe(200);
    convictions += stage.facts.filter(({ kind }) => kind === "serverConvicted").length;
    expect(stage.facts.filter(({ kind }) => kind === "quarantined")).toEqual([]);
    stage.facts.length = 0;
    stage.journal.length = 0;
    stage.heartbeat();
    stage.pass(100);
  }
  expect(convictions).toBe(1_000);
  expect(stage.core.isBlocked({ principal: "alice" })).toBe(false);
}, 60_000);

test("one request is attacked more often than a request may fail by itself: it is served in the end", () => {
  const stage = new Stage();
  const manager = new Manager(stage);
  const { exchange, ...first } = stage.dispatch("alice", { object: "a" });
  let attempt: Dispatched = first;
  for (let attack = 1; attack <= 12; attack++) {
    stage.answerAll(attempt, { verdict: fails() });
    const run = stage.shadowRuns.pop() as Dispatched;
    manager.replace(attempt.server);
    stage.shadowVerdicts(run, PASS);
    attempt = stage.dispatches.pop() as Dispatched;
    stage.heartbeat();
  }
  stage.answerAll(attempt);
  expect(stage.status(exchange)).toBe(200);
});
