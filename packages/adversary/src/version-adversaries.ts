/** Compromised execution servers that touch the past: versions overwritten, deleted, skipped, rolled back (REQUIREMENTS §C: A7, A8). */
import type { AnyMessage, ChangeRecord, VersionWrite } from "@redoubt/shared";
import { ZERO_DIGEST } from "@redoubt/shared";
import { anyOf, chance, type SeededAdversaryFactory, type SeededAdversaryTools } from "./adversary.ts";
import { changeFirstNumber } from "./json-tampering.ts";
import { isApplicationChange } from "./multicast-adversaries.ts";

type BendWrite = (write: VersionWrite) => VersionWrite;

/** Bends the first write of some changes, with one of the ways given. The same lie goes to every member. */
const bendingWrites = (
  tools: SeededAdversaryTools,
  share: number,
  ways: readonly BendWrite[],
): ((message: AnyMessage) => readonly AnyMessage[]) => {
  let last: { readonly requestId: string; readonly attempt: number; readonly way: BendWrite | undefined } | undefined;
  return (message) => {
    if (!isApplicationChange(message) || message.record.writes.length === 0) return [message];
    const { requestId, attempt } = message.record.ticket.body;
    if (last?.requestId !== requestId || last.attempt !== attempt)
      last = { requestId, attempt, way: chance(tools, share) ? anyOf(tools, ways) : undefined };
    return last.way ? [{ ...message, record: bend(message.record, last.way) }] : [message];
  };
};

const bend = (record: ChangeRecord, way: BendWrite): ChangeRecord => ({
  ...record,
  writes: record.writes.map((write, index) => (index === 0 ? way(write) : write)),
});

/** The version before the newest one is to be another than it was. */
const overwrite: BendWrite = (write) => ({
  ...write,
  number: write.parent.number,
  epoch: write.parent.epoch,
  parent: { number: Math.max(0, write.parent.number - 1), epoch: write.parent.epoch, c1: ZERO_DIGEST },
  bytes: changeFirstNumber(write.bytes, 50) ?? write.bytes,
});
const overwriteFirst: BendWrite = (write) => ({
  ...write,
  number: 1,
  parent: { number: 0, epoch: 0, c1: ZERO_DIGEST },
});
/** The newest version is to be no more. */
const remove: BendWrite = (write) => ({ ...write, number: write.parent.number, bytes: "null" });

export const overwriteOldVersions: SeededAdversaryFactory = (tools) => {
  const through = bendingWrites(tools, 0.3, [overwrite, overwriteFirst, remove]);
  return { id: "A7", title: "an old version overwritten or deleted", bendMessage: (_to, message) => through(message) };
};

const jump: BendWrite = (write) => ({ ...write, number: write.number + 3 });
const wrongParent: BendWrite = (write) => ({
  ...write,
  number: write.number + 1,
  parent: { ...write.parent, number: write.number },
});
const foreignParent: BendWrite = (write) => ({ ...write, parent: { ...write.parent, c1: ZERO_DIGEST } });
const rollBack: BendWrite = (write) => ({
  ...write,
  number: Math.max(1, write.number - 1),
  parent: { ...write.parent, number: Math.max(0, write.parent.number - 1) },
});
const futureEpoch: BendWrite = (write) => ({ ...write, epoch: write.epoch + 1 });

export const wrongVersions: SeededAdversaryFactory = (tools) => {
  const through = bendingWrites(tools, 0.3, [jump, wrongParent, foreignParent, rollBack, futureEpoch]);
  return {
    id: "A8",
    title: "versions with a wrong parent, skipped numbers or numbers used before",
    bendMessage: (_to, message) => through(message),
  };
};
