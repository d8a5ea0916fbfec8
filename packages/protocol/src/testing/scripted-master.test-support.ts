/** The scripted master of the room: what it decides, and what it asks of members. */
import type { AnyMessage, ChangeSummary, Decision, Digest, SlotDecisions, ToStateMaster } from "@redoubt/shared";
import { digestChange } from "../digests.ts";
import { nodeHasher } from "./hasher.test-support.ts";
import { MASTERS, MEMBERS, primaryRegulator } from "./toy.test-support.ts";

const MASTER = MASTERS[0];
export const SERVERS = ["execution-server-1", "execution-server-2"] as const;
const EVERYTHING = [{ from: 0, to: 1023 }];

/** What the master needs of the room it is in. */
export interface MasterRoom {
  transmit(from: string, to: string, message: AnyMessage): void;
  later(delay: number, run: () => void): void;
  /** Something was decided. */
  regulate(): void;
}

interface Report {
  readonly summary: ChangeSummary;
  readonly durable: Set<string>;
  readonly passes: Set<string>;
}

/** A master without Paxos: one process that never fails, deciding by the rules of docs/PROTOCOL.md §3.5 and §4. */
export class ScriptedMaster {
  readonly slots: SlotDecisions[] = [];
  readonly heads = new Map<number, Digest>();
  readonly verified = new Set<Digest>();
  readonly outcomes = new Set<string>();
  survivors = new Set<Digest>();
  epoch = 0;
  settledEpoch = 0;
  holder: string = SERVERS[0];
  readonly #reports = new Map<Digest, Report>();
  #promises = new Map<string, readonly ChangeSummary[]>();
  readonly #room: MasterRoom;

  constructor(room: MasterRoom) {
    this.#room = room;
    this.decide(primaryRegulator);
  }

  decide(...decisions: Decision[]): void {
    this.slots.push({ slot: this.slots.length + 1, at: 0, decisions });
    for (const member of MEMBERS) this.stream(member, this.slots.length - 1);
    this.#room.regulate();
  }

  stream(member: string, after: number): void {
    const slots = this.slots.slice(after, after + 20);
    const through = after + slots.length;
    this.#room.transmit(MASTER, member, { kind: "stream", after, through, slots, primary: MASTER });
  }

  openEpoch(holder: string): void {
    this.epoch = this.slots.length + 1;
    this.holder = holder;
    this.#promises = new Map();
    this.decide({
      kind: "epochOpened",
      clusters: EVERYTHING,
      epoch: this.epoch,
      holder,
      members: [...MEMBERS],
      faultsTolerated: 1,
      invalid: [],
    });
    this.askPromises();
  }

  askPromises(): void {
    if (this.settledEpoch === this.epoch) return;
    for (const member of MEMBERS)
      this.#room.transmit(MASTER, member, { kind: "promise", epoch: this.epoch, clusters: EVERYTHING });
    this.#room.later(100, () => this.askPromises());
  }

  receive(from: string, message: ToStateMaster): void {
    if (message.kind === "follow") this.stream(from, message.after);
    else if (message.kind === "report") {
      for (const { digest, summary, durable, verdict } of message.changes) {
        const report = this.#reports.get(digest) ?? { summary, durable: new Set(), passes: new Set() };
        this.#reports.set(digest, report);
        if (durable) report.durable.add(from);
        if (verdict?.kind === "pass") report.passes.add(from);
      }
      const digests = message.changes.map(({ digest }) => digest);
      this.#room.transmit(MASTER, from, { kind: "reported", digests });
      this.#verify();
    } else if (message.kind === "promised" && message.epoch === this.epoch && this.settledEpoch !== this.epoch) {
      this.#promises.set(from, message.undecided);
      this.#settle();
    } else if (message.kind === "gap" && this.settledEpoch === this.epoch && message.epoch === this.epoch) {
      this.openEpoch(this.holder);
    }
  }

  #verify(): void {
    const decisions: Decision[] = [];
    let progress = true;
    while (progress) {
      progress = false;
      for (const [digest, { summary, durable, passes }] of this.#reports) {
        const { ticket, links } = summary;
        const isCurrent = links.every((link) => link.epoch === this.settledEpoch) || this.survivors.has(digest);
        const follows = links.every((link) => (this.heads.get(link.cluster) ?? "0".repeat(64)) === link.follows);
        const isFree = !this.outcomes.has(ticket.requestId);
        if (durable.size < 2 || passes.size < 2 || !isCurrent || !follows || !isFree) continue;
        this.#reports.delete(digest);
        for (const link of links) this.heads.set(link.cluster, digest);
        this.verified.add(digest);
        this.outcomes.add(ticket.requestId);
        const { requestId, attempt } = ticket;
        const clusters = ticket.clusters.map((entry) => entry.cluster);
        const { replyDigest } = summary;
        decisions.push({
          kind: "verified",
          change: { digest, requestId, attempt },
          replyDigest,
          readOnly: false,
          clusters,
          testers: [...passes],
        });
        progress = true;
      }
    }
    if (decisions.length > 0) this.decide(...decisions);
  }

  /** Classification of docs/PROTOCOL.md §4 with t = 1. */
  #settle(): void {
    const lists = [...this.#promises.values()].map(
      (list) => new Map(list.map((summary) => [digestChange(nodeHasher, summary), summary])),
    );
    if (lists.length < 2) return;
    const heads = new Map(this.heads);
    const survivors: Decision & { kind: "settled" } = {
      kind: "settled",
      clusters: EVERYTHING,
      epoch: this.epoch,
      survivors: [],
      voided: [],
    };
    const chosen: ChangeSummary[] = [];
    const all = new Map(lists.flatMap((list) => [...list]));
    for (let progress = true; progress; ) {
      progress = false;
      for (const [digest, summary] of all) {
        const copies = lists.filter((list) => list.has(digest)).length;
        const isVoid = lists.length - copies >= 2 || this.outcomes.has(summary.ticket.requestId);
        const follows = summary.links.every((link) => (heads.get(link.cluster) ?? "0".repeat(64)) === link.follows);
        if (isVoid || !follows) continue;
        if (copies < 2) return;
        all.delete(digest);
        for (const link of summary.links) heads.set(link.cluster, digest);
        chosen.push(summary);
        progress = true;
      }
    }
    this.settledEpoch = this.epoch;
    this.survivors = new Set(chosen.map((summary) => digestChange(nodeHasher, summary)));
    const names = chosen.map((summary) => ({
      digest: digestChange(nodeHasher, summary),
      requestId: summary.ticket.requestId,
      attempt: summary.ticket.attempt,
    }));
    this.decide({ ...survivors, survivors: names });
  }
}
