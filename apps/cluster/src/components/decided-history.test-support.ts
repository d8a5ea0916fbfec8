/** What a master's core puts out over a made-up history: changes, reads, closings, epochs; always the same. */
import { createHash } from "node:crypto";
import type { ApplyEffect, VersionRow } from "@redoubt/protocol";
import type { Decision, Digest, RequestId } from "@redoubt/shared";

export const FIRST_AT = Date.UTC(2026, 0, 1);
export const MS_PER_SLOT = 1_000;
/** Changed by one early slot only. */
export const RARE = "account/rare";
export const SLOT_OF_RARE = 17;
const OBJECTS = 7;

const hex = (text: string): Digest => createHash("sha256").update(text).digest("hex") as Digest;
export const requestOf = (slot: number): RequestId => hex(`request ${slot}`) as string as RequestId;
const clusters = [{ from: 0, to: 1_023 }];

/** Every fifth slot decided a read, every eleventh a closing, every hundredth an epoch, every seventh nothing. */
export class History {
  readonly #heads = new Map<string, { number: number; slot: number }>();
  #slot = 0;
  #previous = 0;

  /** The next `count` slots; those that decided nothing are left out. */
  next(count: number): ApplyEffect[] {
    const effects: ApplyEffect[] = [];
    for (const end = this.#slot + count; this.#slot < end; ) {
      this.#slot += 1;
      const slot = this.#slot;
      if (slot % 7 === 0) continue;
      const versions = this.#versionsOf(slot);
      const decisions = [decisionOf(slot, versions)];
      const at = FIRST_AT + slot * MS_PER_SLOT;
      effects.push({ kind: "apply", slot, previous: this.#previous, at, decisions, rows: { versions, dead: [] } });
      this.#previous = slot;
    }
    return effects;
  }

  #versionsOf(slot: number): VersionRow[] {
    if (isRead(slot) || isClosing(slot) || isOpening(slot)) return [];
    const objects = [`account/${slot % OBJECTS}`, `account/${(slot * 3 + 1) % OBJECTS}`];
    return [...new Set(slot === SLOT_OF_RARE ? [...objects, RARE] : objects)].map((object) => {
      const before = this.#heads.get(object);
      const number = (before?.number ?? 0) + 1;
      this.#heads.set(object, { number, slot });
      return {
        ...{ object, number, epoch: 1, parent: { number: number - 1, epoch: 1, c1: hex(`${object} ${number - 1}`) } },
        ...{
          c1: hex(`${object} ${number}`),
          c2: hex(`c2 ${object} ${number}`),
          requestId: requestOf(slot),
          attempt: 1,
        },
        ...{ changeDigest: hex(`change ${slot}`), executionServer: `execution-server-${1 + (slot % 3)}` },
        ...{ testers: ["state-replica-1", "state-replica-2"], previousSlot: before?.slot ?? 0 },
      };
    });
  }
}

export const isRead = (slot: number): boolean => slot % 5 === 0;
const isClosing = (slot: number): boolean => slot % 11 === 0;
const isOpening = (slot: number): boolean => slot % 101 === 1;

function decisionOf(slot: number, versions: readonly VersionRow[]): Decision {
  const requestId = requestOf(slot);
  if (isClosing(slot) && !isRead(slot)) return { kind: "closed", requestId, home: slot % 1_024 };
  if (isOpening(slot) && !isRead(slot)) {
    const members = ["state-replica-1", "state-replica-2", "state-replica-3"];
    return {
      kind: "epochOpened",
      clusters,
      epoch: slot,
      holder: "execution-server-1",
      members,
      faultsTolerated: 1,
      invalid: [],
    };
  }
  return {
    ...{ kind: "verified", change: { digest: hex(`change ${slot}`), requestId, attempt: 1 } },
    ...{ replyDigest: hex(`reply ${slot}`), readOnly: versions.length === 0, clusters: [slot % 1_024] },
    testers: ["state-replica-1", "state-replica-2"],
  };
}
