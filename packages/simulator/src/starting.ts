/**
 * How a core that makes checkpoints is started from its disk: from one of them or from none, then from the records that
 * come after. Whichever it is, the state must be the same; now and then that is put to the test on the spot.
 */
import { type Checkpoint, DAMAGED } from "@redoubt/protocol";
import type { Disk } from "./disk.ts";
import type { HostCore, HostPlan } from "./host.ts";
import type { SeededRandom } from "./random.ts";

const REPLAY_BATCH_MAX = 64;
/** Share of the starts from a checkpoint that are compared with one from the whole journal. */
const COMPARED_STARTS = 0.3;

/** The newest checkpoint, an older one, or none; with damage on the disk mostly the newest of those that need not read it. */
export function drawCheckpoint(disk: Disk, random: SeededRandom): Checkpoint | undefined {
  const { checkpoints } = disk;
  if (disk.hasDamage && random.chance(0.7)) return disk.readableCheckpoints.at(-1);
  const drawn = random.chance(0.5) ? checkpoints.at(-1) : [undefined, ...checkpoints][random.below(4)];
  return drawn ?? (disk.isCut ? checkpoints[0] : undefined);
}

export function* startInputs(
  disk: Disk,
  checkpoint: Checkpoint | undefined,
  random: SeededRandom,
): Generator<{ readonly kind: string }> {
  if (checkpoint) {
    const restore = { kind: "restore", checkpoint: checkpoint.parts, through: checkpoint.through };
    yield restore;
  }
  for (let first = checkpoint?.through ?? 0; first < disk.records.length; ) {
    const count = Math.min(disk.records.length - first, 1 + random.below(REPLAY_BATCH_MAX));
    const numbers = Array.from({ length: count }, (_, index) => first + index);
    const records = numbers.map((number) => (disk.isDamaged(number) ? DAMAGED : disk.records[number]));
    const damaged = numbers.find((number) => disk.isDamaged(number));
    // One beyond would have been used in place of an older one, had its file been good.
    if (damaged !== undefined) disk.dropCheckpointsBeyond(damaged);
    const replay = { kind: "replay", first, records };
    yield replay;
    first += count;
  }
  const start = { kind: "start", durable: [] };
  yield start;
}

/** Throws when the core, started from a checkpoint a moment ago, has another state than one that replays everything. */
export function compareWithReplay(
  core: HostCore,
  { create, isSameState }: HostPlan,
  disk: Disk,
  random: SeededRandom,
): void {
  if (!isSameState || disk.hasDamage || !random.chance(COMPARED_STARTS)) return;
  const other = create();
  for (const input of startInputs(disk, undefined, random)) other.step({ ...input, now: 0, wall: 0 });
  const [one, two] = [core.checkpoint?.(), other.checkpoint?.()];
  if (one && two && !isSameState(one, two)) throw new Error("a checkpoint led to another state than the journal");
}
