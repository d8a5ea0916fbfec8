/** What an acceptance test server of the basic configuration receives. */
import type { ChangeRecord, ChangeSummary, LoggedAccess, StoredVersion } from "../change.ts";
import type { Digest } from "../ids.ts";
import type { ShadowResultMessage, StreamMessage } from "./state-replica.ts";

/** Member → acceptance test server (basic): the C1 vote. */
export type MemberAnswerMessage = {
  readonly kind: "memberAnswer";
  readonly summary: ChangeSummary;
  readonly changeDigest: Digest;
  /** What was fetched from this member under the ticket, where anything was. Counts where t+1 members say it. */
  readonly accesses?: readonly LoggedAccess[];
  /** Ordered by the regulator after the reply was released: tested whatever the masters have decided. */
  readonly audit?: boolean;
};
export type RecordMessage = {
  readonly kind: "record";
  readonly digest: Digest;
  /** Null when this member does not hold it. */
  readonly record: ChangeRecord | null;
  /** The versions read and the parents of the writes, as stored here. */
  readonly before: readonly StoredVersion[];
};
export type ToAcceptanceTestServer = MemberAnswerMessage | RecordMessage | ShadowResultMessage | StreamMessage;
