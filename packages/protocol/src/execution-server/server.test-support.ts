/** One execution server, driven by hand, and what members would answer it, for tests. */
import type { ChangeRecord, MessagesTo, StoredVersion, ToExecutionServer } from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import { computeC1 } from "../digests.ts";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import {
  digestOf,
  EXECUTION_SERVER,
  MEMBERS,
  type Order,
  order,
  REGULATOR,
  toyApplication,
} from "../testing/toy.test-support.ts";
import { createExecutionServer, type ExecutionServer } from "./execution-server.ts";
import type { ExecutionServerEffect, ExecutionServerInput } from "./types.ts";

type Execute = Extract<ExecutionServerEffect, { kind: "execute" }>;

export class Server {
  now = 0;
  effects: ExecutionServerEffect[] = [];
  readonly core: ExecutionServer = createExecutionServer(
    { hasher: nodeHasher, application: toyApplication, random: () => 0.5, sign: (digest) => `signed ${digest}` },
    { self: EXECUTION_SERVER, trafficRegulator: REGULATOR },
  );
  /** What members answer to fetches. */
  readonly objects = new Map<string, StoredVersion>();

  constructor() {
    this.step({ kind: "start", durable: [], now: 0, wall: 0 });
  }

  step(input: ExecutionServerInput): ExecutionServerEffect[] {
    const effects = this.core.step(input);
    this.effects.push(...effects);
    return effects;
  }

  receive(from: string, message: ToExecutionServer): ExecutionServerEffect[] {
    const component = from === REGULATOR ? "traffic-regulator" : "state-replica";
    return this.step({ kind: "message", from: { component, server: from }, message, now: this.now, wall: this.now });
  }

  dispatch({ ticket, input }: Order): ExecutionServerEffect[] {
    return this.receive(REGULATOR, { kind: "dispatch", ticket, input, disposable: false });
  }

  sent<Receiver extends keyof MessagesTo, Kind extends MessagesTo[Receiver]["kind"]>(component: Receiver, kind: Kind) {
    return this.effects.flatMap((effect) =>
      effect.kind === "send" && effect.component === component && effect.message.kind === kind
        ? [{ to: effect.to, message: effect.message as Extract<MessagesTo[Receiver], { kind: Kind }> }]
        : [],
    );
  }

  executions(): Execute[] {
    return this.effects.filter((effect): effect is Execute => effect.kind === "execute");
  }

  last(): string {
    return this.executions().at(-1)?.execution ?? "";
  }

  /** Answers all open fetches from these members with what they store. */
  answerFetches(members: readonly string[] = MEMBERS): void {
    const fetches = this.sent("state-replica", "fetch").filter(({ to }) => members.includes(to));
    const isAnswered = (effect: ExecutionServerEffect) =>
      effect.kind === "send" && effect.message.kind === "fetch" && members.includes(effect.to);
    this.effects = this.effects.filter((effect) => !isAnswered(effect));
    for (const { to, message } of fetches) {
      const objects = message.objects.map((object) => ({ object, version: this.objects.get(object) ?? null }));
      const exact = message.at.map(({ object }) => ({ object, version: this.objects.get(object) ?? null }));
      const tips = message.ticket.body.clusters.map(({ cluster, epoch }) => ({ cluster, epoch, follows: ZERO_DIGEST }));
      this.receive(to, { kind: "fetched", fetch: message.fetch, objects: [...objects, ...exact], tips });
    }
  }

  finish(
    execution: string,
    writes: Record<string, number>,
    reads = Object.keys(writes),
    status = 200,
  ): ExecutionServerEffect[] {
    return this.step({
      kind: "finished",
      execution,
      reply: { status, body: "null" },
      reads,
      writes: Object.entries(writes).map(([object, value]) => ({ object, value: String(value) })),
      now: this.now,
      wall: this.now,
    });
  }

  wait(milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed++) {
      this.now++;
      this.step({ kind: "tick", now: this.now, wall: this.now });
    }
  }

  /** Each change once. */
  changes(): ChangeRecord[] {
    const changes = this.sent("state-replica", "change").map(({ message }) => message.record);
    return [...new Map(changes.map((record) => [digestOf(record), record])).values()];
  }

  failures() {
    return this.sent("traffic-regulator", "executionFailed").map(({ message }) => message);
  }
}

const storedVersion = (object: string, value: number): StoredVersion => {
  const version = {
    object,
    number: 1,
    epoch: 2,
    parent: { number: 0, epoch: 0, c1: ZERO_DIGEST },
    bytes: String(value),
  };
  const requestId = order({ to: 1, amount: 1 }, { operation: "deposit" }).ticket.body.requestId;
  return { ...version, requestId, c1: computeC1(nodeHasher, version, requestId) };
};

export function serverWith(...numbers: number[]): Server {
  const server = new Server();
  for (const number of numbers) server.objects.set(`account/${number}`, storedVersion(`account/${number}`, 100));
  return server;
}

export const deposit = (to: number, key: string, options = {}) =>
  order({ to, amount: 1 }, { operation: "deposit", key, ...options });
