/**
 * Signatures of execution servers over batches of change digests, kept for a while in case answers diverge. They are not
 * checked here: whoever settles a dispute (the regulator) does.
 */
import type { Digest, EvidenceMessage, ServerName } from "@redoubt/shared";

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
