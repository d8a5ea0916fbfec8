/**
 * A toy application and the trusted servers' part of a request, for tests of single cores: accounts `account/<n>` in
 * object cluster n, whole numbers as values; tickets as a regulator would issue them.
 */
import {
  type ChangeRecord,
  type ClusterRange,
  type Decision,
  type Digest,
  fail,
  ok,
  type Profile,
  type RequestId,
  type SlotDecisions,
  type Ticket,
  type TicketBody,
  type VersionReference,
  type VersionWrite,
  ZERO_DIGEST,
} from "@redoubt/shared";
import { type ApplicationPort, type DeclaredAccess, GENESIS_OPERATION, genesisInput } from "../application-port.ts";
import { absent, computeC1, computeRequestId, digestChange, digestInput, issueTicket, summarize } from "../digests.ts";
import { nodeHasher } from "./hasher.test-support.ts";

export const MEMBERS = ["state-replica-1", "state-replica-2", "state-replica-3"] as const;
export const MASTERS = ["state-master-1", "state-master-2", "state-master-3"] as const;
export const EXECUTION_SERVER = "execution-server-1";
export const REGULATOR = "traffic-regulator-1";
export const MASTERS_KEY = "ee".repeat(32);
export const FIRST_VALUE = 100;

const cluster = (object: string): number | undefined => {
  const match = /^account\/(\d{1,4})$/.exec(object);
  return match && Number(match[1]) < 1024 ? Number(match[1]) : undefined;
};

/** Operations: `transfer {from, to, amount}`, `deposit {to, amount}`, `balance {of}` (read-only). */
export const toyApplication: ApplicationPort = {
  version: "toy",
  evaluateAccess(operation, inputText) {
    const input = JSON.parse(inputText);
    const access = (object: string, mode: DeclaredAccess["mode"]): DeclaredAccess => ({ object, mode });
    if (operation === "transfer")
      return ok([access(`account/${input.from}`, "write"), access(`account/${input.to}`, "write")]);
    if (operation === "deposit") return ok([access(`account/${input.to}`, "write")]);
    if (operation === "balance") return ok([access(`account/${input.of}`, "read")]);
    if (operation === GENESIS_OPERATION)
      return ok(input.objects.map((object: string) => access(object, "create")) as DeclaredAccess[]);
    return fail("unknown operation");
  },
  clusterOf: cluster,
  isReadOnly: (operation) => operation === "balance",
  homeOf: () => undefined,
  deadlineMsOf: () => 1_000,
  genesisValue: (object) => (cluster(object) === undefined ? undefined : String(FIRST_VALUE)),
};

export const keyOf = (member: string): string =>
  Buffer.from(member.padEnd(32, "."), "utf8").toString("hex").slice(0, 64);

export interface TicketOptions {
  readonly operation?: string;
  readonly epoch?: number;
  readonly attempt?: number;
  readonly key?: string;
  readonly executionServer?: string;
  readonly regulatorEpoch?: number;
  readonly testers?: readonly string[];
  readonly profile?: Profile;
  readonly mastersKey?: string;
}

export interface Order {
  readonly ticket: Ticket;
  readonly input: string;
}

/** A ticket for an operation with this input, for the clusters its access names. */
export function order(input: object, options: TicketOptions = {}): Order {
  const operation = options.operation ?? "transfer";
  const text = JSON.stringify(input);
  const access = toyApplication.evaluateAccess(operation, text);
  if (!access.ok) throw new Error(access.error);
  const clusters = [...new Set(access.value.map(({ object }) => cluster(object) as number))].sort((a, b) => a - b);
  const inputDigest = digestInput(nodeHasher, text);
  const body: TicketBody = {
    requestId: computeRequestId(nodeHasher, "client", options.key ?? text, operation, inputDigest),
    attempt: options.attempt ?? 1,
    operation,
    applicationVersion: "toy",
    inputDigest,
    principal: "client",
    now: 1_000,
    seed: ZERO_DIGEST,
    readOnly: toyApplication.isReadOnly(operation),
    executionServer: options.executionServer ?? EXECUTION_SERVER,
    regulatorEpoch: options.regulatorEpoch ?? 1,
    clusters: clusters.map((number) => ({ cluster: number, epoch: options.epoch ?? 2, members: [...MEMBERS] })),
    home: clusters[0] as number,
    profile: options.profile ?? "optimized",
    testers: options.testers ?? [MEMBERS[0], MEMBERS[1]],
    faultsTolerated: 1,
    expiresAt: 1_000_000,
  };
  return { ticket: issueTicket(nodeHasher, body, keyOf, options.mastersKey ?? MASTERS_KEY), input: text };
}

export const genesisOrder = (objects: readonly string[], options: TicketOptions = {}): Order =>
  order(JSON.parse(genesisInput(objects)), { ...options, operation: GENESIS_OPERATION });

/** Plays an honest execution server: keeps versions, tips and serials, makes well-formed changes. */
export class ToyHolder {
  readonly #versions = new Map<string, VersionReference & { readonly value: number }>();
  readonly #tips = new Map<number, Digest>();
  readonly #serials = new Map<number, number>();
  #serial = 0;

  newEpoch(): void {
    this.#serial = 0;
    this.#serials.clear();
  }

  reference(object: string): VersionReference {
    const known = this.#versions.get(object);
    return known ? { object, number: known.number, epoch: known.epoch, c1: known.c1 } : absent(object);
  }

  tip(number: number): Digest {
    return this.#tips.get(number) ?? ZERO_DIGEST;
  }

  /** The next change for this ticket, writing these values. `peek`: make it without moving on. */
  change(
    { ticket, input }: Order,
    values: Readonly<Record<string, number>>,
    reply = '{"body":null,"status":200}',
    peek = false,
  ): ChangeRecord {
    const { body } = ticket;
    const access = toyApplication.evaluateAccess(body.operation, input);
    const objects = access.ok ? access.value.map((entry) => entry.object) : [];
    const serial = this.#serial + 1;
    const writes = Object.entries(values).map(([object, value]): VersionWrite => {
      const { number, epoch, c1 } = this.reference(object);
      const own = body.clusters.find((entry) => entry.cluster === cluster(object))?.epoch ?? 0;
      return { object, number: number + 1, epoch: own, parent: { number, epoch, c1 }, bytes: String(value) };
    });
    const links = body.clusters.map((entry) => ({
      cluster: entry.cluster,
      epoch: entry.epoch,
      predecessorSerial: this.#serials.get(entry.cluster) ?? 0,
      follows: this.tip(entry.cluster),
    }));
    const reads = objects.map((object) => this.reference(object));
    const record = { ticket, input, reply, reads, writes, serial, links };
    if (peek) return record;
    this.#serial = serial;
    for (const { cluster: number } of body.clusters) {
      this.#serials.set(number, serial);
      if (!body.readOnly) this.#tips.set(number, digestOf(record));
    }
    for (const write of writes)
      this.#versions.set(write.object, {
        object: write.object,
        number: write.number,
        epoch: write.epoch,
        c1: computeC1(nodeHasher, write, body.requestId),
        value: Number(write.bytes),
      });
    return record;
  }
}

export const digestOf = (record: ChangeRecord): Digest => digestChange(nodeHasher, summarize(nodeHasher, record));

const EVERYTHING: readonly ClusterRange[] = [{ from: 0, to: 1023 }];

export const opened = (epoch: number, holder = EXECUTION_SERVER): Decision => ({
  kind: "epochOpened",
  clusters: EVERYTHING,
  epoch,
  holder,
  members: [...MEMBERS],
  faultsTolerated: 1,
  invalid: [],
});

const nameOf = (record: ChangeRecord) => ({
  digest: digestOf(record),
  requestId: record.ticket.body.requestId,
  attempt: record.ticket.body.attempt,
});

export const settled = (epoch: number, survivors: readonly ChangeRecord[] = []): Decision => ({
  kind: "settled",
  clusters: EVERYTHING,
  epoch,
  survivors: survivors.map(nameOf),
  voided: [],
});

export const verified = (record: ChangeRecord): Decision => ({
  kind: "verified",
  change: nameOf(record),
  replyDigest: summarize(nodeHasher, record).replyDigest,
  readOnly: record.ticket.body.readOnly,
  clusters: record.ticket.body.clusters.map((entry) => entry.cluster),
  testers: [MEMBERS[0], MEMBERS[1]],
});

export const slot = (number: number, ...decisions: Decision[]): SlotDecisions => ({ slot: number, at: 0, decisions });

export const primaryRegulator: Decision = {
  kind: "primary",
  component: "traffic-regulator",
  server: REGULATOR,
  epoch: 1,
  nonce: "n",
};

export const requestIdOf = (record: ChangeRecord): RequestId => record.ticket.body.requestId;
