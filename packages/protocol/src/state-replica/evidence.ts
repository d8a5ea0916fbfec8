/**
 * Signatures of execution servers over batches of change digests, kept for a while in case answers diverge, and the changes
 * refused here because another one for the same ticket is held. Signatures are not checked here: whoever settles a dispute
 * (the regulator) does, and gets with each digest the summary that proves which ticket it belongs to.
 */
import type { ChangeSummary, Digest, EvidenceMessage, ServerName } from "@redoubt/shared";
import { send } from "../core.ts";
import { trimOldest } from "../recent.ts";
import type { ChangeEntry } from "./change-entry.ts";
import { put, type Replica, type Turn } from "./context.ts";
import type { ExaminedChange } from "./examination.ts";

const BATCHES_PER_SENDER_MAX = 64;
const DIGESTS_PER_BATCH_MAX = 256;
const SIGNATURE_LENGTH_MAX = 256;

type Batch = Pick<EvidenceMessage, "digests" | "signature">;

export class Evidence {
  readonly #bySender = new Map<ServerName, Batch[]>();
  readonly #byDigest = new Map<string, Batch>();

  keep(from: ServerName, message: EvidenceMessage): void {
    const { digests, signature } = message;
    if (digests.length > DIGESTS_PER_BATCH_MAX || signature.length > SIGNATURE_LENGTH_MAX) return;
    const batches = this.#bySender.get(from) ?? [];
    this.#bySender.set(from, batches);
    const batch = { digests, signature };
    batches.push(batch);
    for (const digest of digests) this.#byDigest.set(`${from} ${digest}`, batch);
    if (batches.length <= BATCHES_PER_SENDER_MAX) return;
    const oldest = batches.shift();
    for (const digest of oldest?.digests ?? []) {
      const key = `${from} ${digest}`;
      if (this.#byDigest.get(key) === oldest) this.#byDigest.delete(key);
    }
  }

  /** What this server signed about that change. */
  find(from: ServerName, digest: Digest): Batch | undefined {
    return this.#byDigest.get(`${from} ${digest}`);
  }
}

/** Shows the regulator that its sender signed this change. False while no signature is here. */
export function sendEvidence(replica: Replica, turn: Turn, changeDigest: Digest, summary: ChangeSummary): boolean {
  const { requestId, attempt, executionServer } = summary.ticket;
  const evidence = replica.evidence.find(executionServer, changeDigest);
  if (!evidence) return false;
  const report = { kind: "evidenceReport", requestId, attempt, changeDigest, summary, evidence } as const;
  put(turn, send("traffic-regulator", replica.regulator.server, report));
  return true;
}

interface Rivals {
  readonly from: ServerName;
  readonly changes: readonly (readonly [Digest, ChangeSummary])[];
}

const RIVALS_MAX = 256;

/** Pairs of changes for one ticket whose signatures have not both come yet. */
export class RivalChanges {
  readonly #byDigest = new Map<Digest, Rivals>();

  /** `refused` names another content than `held` for one ticket. */
  note(replica: Replica, turn: Turn, held: ChangeEntry, refused: ExaminedChange): void {
    if (this.#byDigest.has(refused.digest)) return;
    const changes = [
      [held.digest, replica.store.summaryOf(held)],
      [refused.digest, refused.summary],
    ] as const;
    const rivals = { from: refused.from, changes };
    this.#byDigest.set(refused.digest, rivals);
    trimOldest(this.#byDigest, RIVALS_MAX);
    this.#prove(replica, turn, refused.digest, rivals);
  }

  /** New signatures of this server have come. */
  signed(replica: Replica, turn: Turn, from: ServerName): void {
    for (const [digest, rivals] of this.#byDigest) if (rivals.from === from) this.#prove(replica, turn, digest, rivals);
  }

  #prove(replica: Replica, turn: Turn, digest: Digest, { from, changes }: Rivals): void {
    if (!changes.every(([change]) => replica.evidence.find(from, change))) return;
    this.#byDigest.delete(digest);
    for (const [change, summary] of changes) sendEvidence(replica, turn, change, summary);
  }
}
