/**
 * Makes the changes that measurements of one replica feed it: transfers between two accounts as an honest execution server would send
 * them, with everything a member checks (ticket entry, chain, serials, versions read), and the masters' decisions that verify them.
 */
import {
  absent,
  computeC1,
  computeRequestId,
  digestChange,
  digestInput,
  digestReply,
  digestTicket,
  type Hasher,
  memberEntry,
  summarize,
} from "@redoubt/protocol";
import {
  type ChangeRecord,
  type Decision,
  type Digest,
  OBJECT_CLUSTERS,
  type ServerName,
  type SlotDecisions,
  type TicketBody,
  type VersionReference,
  type VersionWrite,
  ZERO_DIGEST,
} from "@redoubt/shared";

export const EXECUTION_SERVER = "execution-server-1";
export const REGULATOR = "traffic-regulator-1";
export const MASTERS = ["state-master-1", "state-master-2", "state-master-3"] as const;
export const MEMBERS = ["state-replica-1", "state-replica-2", "state-replica-3"] as const;
export const TICKET_KEY = "5a".repeat(32);
const EPOCH = 2;
const ADMITTED_AT = 1_700_000_000_000;

/** Slots that open the one epoch everything happens in. */
export function openingSlots(): SlotDecisions[] {
  const clusters = [{ from: 0, to: OBJECT_CLUSTERS - 1 }];
  const decisions: Decision[] = [
    { kind: "primary", component: "traffic-regulator", server: REGULATOR, epoch: 1, nonce: "measuring" },
    {
      kind: "epochOpened",
      clusters,
      epoch: EPOCH,
      holder: EXECUTION_SERVER,
      members: [...MEMBERS],
      faultsTolerated: 1,
      invalid: [],
    },
    { kind: "settled", clusters, epoch: EPOCH, survivors: [], voided: [] },
  ];
  return decisions.map((decision, index) => ({ slot: index + 1, at: ADMITTED_AT, decisions: [decision] }));
}

interface Head {
  readonly number: number;
  readonly c1: Digest;
}

export class LoadMaker {
  readonly #hasher: Hasher;
  readonly #self: ServerName;
  readonly #applicationVersion: string;
  readonly #clusterOf: (object: string) => number;
  /** By customer. */
  readonly #heads: (Head | undefined)[] = [];
  readonly #tips = new Map<number, Digest>();
  readonly #serials = new Map<number, number>();
  #serial = 0;

  constructor(hasher: Hasher, self: ServerName, applicationVersion: string, clusterOf: (object: string) => number) {
    this.#hasher = hasher;
    this.#self = self;
    this.#applicationVersion = applicationVersion;
    this.#clusterOf = clusterOf;
  }

  /** The next transfer; it counts as accepted. */
  transfer(from: number, to: number): { readonly record: ChangeRecord; readonly verified: Decision } {
    const hasher = this.#hasher;
    const serial = ++this.#serial;
    const input = `{"amount":1,"from":${from},"to":${to}}`;
    const objects = [`account/${from}`, `account/${to}`];
    const body = this.#ticket(input, objects, serial);
    const ticketDigest = digestTicket(hasher, body);
    const ticket = {
      body,
      entries: { [this.#self]: memberEntry(hasher, TICKET_KEY, ticketDigest, ZERO_DIGEST) },
      mastersEntry: ZERO_DIGEST,
    };
    const reads = [this.#reference(from), this.#reference(to)];
    const writes = [from, to].map((customer, index) => this.#write(customer, reads[index] as VersionReference, serial));
    const links = body.clusters.map(({ cluster }) => ({
      cluster,
      epoch: EPOCH,
      predecessorSerial: this.#serials.get(cluster) ?? 0,
      follows: this.#tips.get(cluster) ?? ZERO_DIGEST,
    }));
    const reply = `{"body":{"amount":1,"checking":${serial},"from":${from},"to":${to}},"status":200}`;
    const record: ChangeRecord = { ticket, input, reply, reads, writes, serial, links };
    const digest = digestChange(hasher, summarize(hasher, record), ticketDigest);
    for (const { cluster } of links) {
      this.#serials.set(cluster, serial);
      this.#tips.set(cluster, digest);
    }
    for (const [index, customer] of [from, to].entries()) {
      const write = writes[index] as VersionWrite;
      this.#heads[customer] = { number: write.number, c1: computeC1(hasher, write, body.requestId) };
    }
    return { record, verified: this.#verified(body, digest, reply) };
  }

  #ticket(input: string, objects: readonly string[], serial: number): TicketBody {
    const inputDigest = digestInput(this.#hasher, input);
    const clusters = [...new Set(objects.map(this.#clusterOf))].sort((one, other) => one - other);
    return {
      requestId: computeRequestId(this.#hasher, "measuring", String(serial), "transfer", inputDigest),
      attempt: 1,
      operation: "transfer",
      applicationVersion: this.#applicationVersion,
      inputDigest,
      principal: "measuring",
      now: ADMITTED_AT + serial,
      seed: inputDigest,
      readOnly: false,
      executionServer: EXECUTION_SERVER,
      regulatorEpoch: 1,
      clusters: clusters.map((cluster) => ({ cluster, epoch: EPOCH, members: MEMBERS })),
      home: this.#clusterOf(objects[0] ?? ""),
      profile: "optimized",
      testers: [MEMBERS[1], MEMBERS[2]],
      faultsTolerated: 1,
      expiresAt: ADMITTED_AT + serial + 2_000,
    };
  }

  #reference(customer: number): VersionReference {
    const object = `account/${customer}`;
    const head = this.#heads[customer];
    return head ? { object, number: head.number, epoch: EPOCH, c1: head.c1 } : absent(object);
  }

  #write(customer: number, { object, number, epoch, c1 }: VersionReference, serial: number): VersionWrite {
    const bytes = `{"checking":${serial},"holder":"Customer ${customer} of this bank","savings":100000}`;
    return { object, number: number + 1, epoch: EPOCH, parent: { number, epoch, c1 }, bytes };
  }

  #verified(body: TicketBody, digest: Digest, reply: string): Decision {
    return {
      kind: "verified",
      change: { digest, requestId: body.requestId, attempt: body.attempt },
      replyDigest: digestReply(this.#hasher, reply),
      readOnly: false,
      clusters: body.clusters.map(({ cluster }) => cluster),
      testers: body.testers,
    };
  }
}
