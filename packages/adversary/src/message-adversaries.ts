/** The compromised shell of the drill A4: what is sent to one replica differs from what was computed (REQUIREMENTS §C). `multicast-adversaries.ts` has the simulator's. */
import { digestChange, digestEvidence, summarize } from "@redoubt/protocol";
import type { AnyMessage, ChangeRecord, Digest, EvidenceMessage, ServerName } from "@redoubt/shared";
import type { AdversaryFactory, AdversaryTools } from "./adversary.ts";
import { changeFirstNumber } from "./json-tampering.ts";

function altered(record: ChangeRecord): ChangeRecord {
  const [first, ...others] = record.writes;
  if (!first) return { ...record, reply: changeFirstNumber(record.reply, 1) ?? record.reply };
  return { ...record, writes: [{ ...first, bytes: changeFirstNumber(first.bytes, 7) ?? first.bytes }, ...others] };
}

/** Digests this server signs for the members it tells the other story. */
function resigned(
  tools: AdversaryTools,
  message: EvidenceMessage,
  other: ReadonlyMap<Digest, Digest>,
): EvidenceMessage {
  const digests = message.digests.map((digest) => other.get(digest) ?? digest);
  return { kind: "evidence", digests, signature: tools.sign(digestEvidence(tools.hasher, digests)) };
}

const REMEMBERED_MAX = 4096;

export const equivocate: AdversaryFactory = (tools) => {
  const other = new Map<Digest, Digest>();
  /** The first member it ever writes to hears another story than the rest. */
  let victim: ServerName | undefined;
  return {
    id: "A4",
    title: "another change set for one of the replicas",
    bendMessage(to, message): readonly AnyMessage[] {
      if (message.kind === "change" && message.record.ticket.body.operation !== "genesis") {
        victim ??= to;
        if (to !== victim) return [message];
        const record = altered(message.record);
        if (other.size < REMEMBERED_MAX) {
          const truth = digestChange(tools.hasher, summarize(tools.hasher, message.record));
          other.set(truth, digestChange(tools.hasher, summarize(tools.hasher, record)));
        }
        return [{ ...message, record }];
      }
      if (message.kind === "evidence" && to === victim) return [resigned(tools, message, other)];
      return [message];
    },
  };
};
