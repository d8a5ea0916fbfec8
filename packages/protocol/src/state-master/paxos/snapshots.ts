/**
 * State for a master that is too far behind for single entries, that lost its state, or that is new: what the slots led
 * to, in parts, from one peer at a time. A part that got lost is asked for again; a source that is gone is replaced by
 * the next that offers. Parts are taken into the journal before the state counts as this master's own.
 *
 * It does not know what is in the parts, and trusts them: masters crash, they do not lie (PROTOCOL §0).
 */
import { assert, type MasterMembership, type ServerName, type Slot } from "@redoubt/shared";
import type { Machine, MessageOf } from "./machine.ts";
import type { InstalledSnapshot } from "./paxos-types.ts";
import { PAXOS_LIMITS } from "./timing.ts";

interface Served {
  readonly through: Slot;
  readonly parts: readonly Uint8Array[];
  readonly masters: MasterMembership;
  readonly mastersSlot: Slot;
  askedAt: number;
}

interface Fetched {
  readonly from: ServerName;
  readonly offer: MessageOf<"snapshotOffer">;
  readonly parts: Uint8Array[];
  askedAt: number;
  askAt: number;
  heardAt: number;
}

/** Parts of one snapshot: bounds what an offer makes this master hold. */
const PARTS_MAX = 65_536;

export class Snapshots {
  served: Served | undefined;
  fetched: Fetched | undefined;
  /** Of the last snapshot installed in this life. */
  bytes = 0;
  #replayed: Uint8Array[] = [];
  #installed: InstalledSnapshot | undefined;

  get wakeAt(): number {
    return this.fetched?.askAt ?? Number.POSITIVE_INFINITY;
  }

  /** Of the snapshot that is on its way: parts here, and of how many. */
  get progress(): { readonly done: number; readonly parts: number } | undefined {
    return this.fetched && { done: this.fetched.parts.length, parts: this.fetched.offer.parts };
  }

  takeInstalled(): InstalledSnapshot | undefined {
    const installed = this.#installed;
    this.#installed = undefined;
    return installed;
  }

  install(through: Slot, parts: readonly Uint8Array[]): void {
    this.bytes = parts.reduce((bytes, part) => bytes + part.length, 0);
    this.#installed = { through, parts };
  }

  replayPart(part: number, bytes: Uint8Array): void {
    if (part === 0) this.#replayed = [];
    // A copy: what is replayed may be a view into the journal's memory.
    this.#replayed[part] = new Uint8Array(bytes);
  }

  replayInstalled(through: Slot, parts: number): void {
    assert(this.#replayed.length === parts, "the parts of an installed snapshot are in the journal");
    this.#installed = { through, parts: this.#replayed };
    this.#replayed = [];
  }
}

/** Offers the state as of now, or the one that is being served, where that still helps. */
export function offerSnapshot<Command>(machine: Machine<Command>, to: ServerName, fromSlot: Slot): void {
  const { snapshots, log, configuration } = machine;
  if (!configuration.snapshot || log.isHollow || log.taken < fromSlot) return;
  const { served } = snapshots;
  const isUseful = served && served.through >= fromSlot && served.through >= log.forgottenThrough;
  if (!isUseful) {
    snapshots.served = {
      ...{ through: log.taken, parts: configuration.snapshot(), masters: log.masters, mastersSlot: log.mastersSlot },
      askedAt: machine.now,
    };
  }
  const offered = snapshots.served as Served;
  offered.askedAt = machine.now;
  const { through, masters, mastersSlot } = offered;
  machine.send(to, { kind: "snapshotOffer", through, parts: offered.parts.length, masters, mastersSlot });
}

export function onFetchSnapshot<Command>(
  machine: Machine<Command>,
  from: ServerName,
  { through, part }: MessageOf<"fetchSnapshot">,
): void {
  const { served } = machine.snapshots;
  const bytes = served?.through === through ? served.parts[part] : undefined;
  if (!served || !bytes) {
    offerSnapshot(machine, from, through);
    return;
  }
  served.askedAt = machine.now;
  machine.send(from, { kind: "snapshotPart", through, part, bytes });
}

export function onSnapshotOffer<Command>(
  machine: Machine<Command>,
  from: ServerName,
  offer: MessageOf<"snapshotOffer">,
): void {
  const { snapshots, log, now } = machine;
  if (machine.role.kind === "leader" || !isWanted(machine, offer)) return;
  if (offer.parts < 1 || offer.parts > PARTS_MAX) return;
  const { fetched } = snapshots;
  const isBusy = fetched && now < fetched.heardAt + PAXOS_LIMITS.snapshotLostMs && isWanted(machine, fetched.offer);
  if (isBusy && (fetched.from !== from || fetched.offer.through === offer.through)) return;
  assert(offer.through >= log.forgottenThrough, "a snapshot covers what is missing");
  snapshots.fetched = { from, offer, parts: [], askedAt: now, askAt: now, heardAt: now };
  askForPart(machine);
}

function isWanted<Command>({ log }: Machine<Command>, { through }: MessageOf<"snapshotOffer">): boolean {
  return log.isHollow ? through >= log.forgottenThrough : through > log.decidedThrough;
}

/** On ticks and on becoming due. */
export function askForPart<Command>(machine: Machine<Command>): void {
  const { fetched } = machine.snapshots;
  if (!fetched || machine.now < fetched.askAt) return;
  if (machine.now >= fetched.heardAt + PAXOS_LIMITS.snapshotLostMs || !isWanted(machine, fetched.offer)) {
    machine.snapshots.fetched = undefined;
    return;
  }
  fetched.askedAt = machine.now;
  fetched.askAt = machine.now + PAXOS_LIMITS.snapshotResendMs;
  machine.send(fetched.from, {
    kind: "fetchSnapshot",
    through: fetched.offer.through,
    part: fetched.parts.length,
  });
}

export function onSnapshotPart<Command>(
  machine: Machine<Command>,
  from: ServerName,
  { through, part, bytes }: MessageOf<"snapshotPart">,
): void {
  const { fetched } = machine.snapshots;
  if (!fetched || fetched.from !== from || fetched.offer.through !== through) return;
  if (part !== fetched.parts.length || !isWanted(machine, fetched.offer)) return;
  // A copy: what is received may be a view into the link's memory.
  fetched.parts.push(new Uint8Array(bytes));
  fetched.heardAt = machine.now;
  fetched.askAt = machine.now + PAXOS_LIMITS.snapshotPauseMs;
  if (fetched.parts.length === fetched.offer.parts) install(machine, fetched);
}

function install<Command>(machine: Machine<Command>, { from, offer, parts }: Fetched): void {
  const { through, masters, mastersSlot } = offer;
  machine.snapshots.fetched = undefined;
  for (const [part, bytes] of parts.entries()) machine.append({ kind: "snapshotPart", part, bytes });
  machine.append({ kind: "installed", parts: parts.length, through, masters, mastersSlot });
  machine.log.install({ through, masters, mastersSlot });
  machine.snapshots.install(through, parts);
  machine.askToCatchUp(from);
}

export function dropServed<Command>({ snapshots, now }: Machine<Command>): void {
  if (snapshots.served && now >= snapshots.served.askedAt + PAXOS_LIMITS.snapshotKeptMs) snapshots.served = undefined;
}
