/**
 * The contract between a pure core and whoever drives it (the cluster's runtime, the simulator).
 *
 * A core is a state machine: one input in, an ordered list of effects out, nothing else. It has no clock (every input
 * carries one), no randomness but the injected generator, no hashing but the injected hasher, no I/O and no promises.
 *
 * Duties of the driver, in this order:
 *  1. perform the effects of one step in their order;
 *  2. let no `send`, `publish` or other outward effect leave before every `append` that came earlier in the core's
 *     whole output (this step's or an earlier one's) is durable (STYLE rule 4);
 *  3. after each step arm a timer for {@link Core.wakeAt} and deliver a `tick` then (late is fine, early is not);
 *  4. after a crash feed a new core one `start` with the durable records in the order they were appended: all whose
 *     append was followed by a visible effect are there, later ones may be.
 *
 * A core whose memory does not hold all it journalled ({@link CheckpointedCore}) is started otherwise and reads its own
 * records back. A record has a number: its ordinal in the journal from 0, never used twice. The core counts what it
 * replayed and what it put out, so it knows the number of what it appends. The driver's duties towards it, besides:
 *  5. start it with at most one `restore`, then `replay`s that give every record from the checkpoint's `through` (or 0) on,
 *     in order and without a gap, then one `start` with nothing durable;
 *  6. keep a checkpoint only once every record below its `through` is on disk (synced), and never give one back whose
 *     `through` is beyond the end of the journal;
 *  7. answer every `readRecord` and `repairRecord`, in any order. What was appended earlier in the output can be read.
 * A checkpoint is an accelerator: without it, or with an older one, the replay is longer and the state is the same.
 */
import type { AnyMessage, Component, Digest, MessagesTo, ServerName } from "@redoubt/shared";

export interface Sender {
  readonly component: Component;
  readonly server: ServerName;
}

/** Both clocks in milliseconds. `now` is monotonic and for timeouts; `wall` is since 1970 and for people and tickets. */
export interface Instant {
  readonly now: number;
  readonly wall: number;
}

export type CommonInput<Message, Durable> =
  | (Instant & { readonly kind: "start"; readonly durable: readonly Durable[] })
  | (Instant & { readonly kind: "message"; readonly from: Sender; readonly message: Message })
  | (Instant & { readonly kind: "tick" });

/** Sends a message of the catalogue; the type ties the message to the component that receives it. */
export type SendEffect = {
  [Receiver in keyof MessagesTo]: {
    readonly kind: "send";
    readonly component: Receiver;
    readonly to: ServerName;
    readonly message: MessagesTo[Receiver];
  };
}[keyof MessagesTo];

export type CommonEffect<Durable> =
  /** `synced`: on disk (fdatasync) before later effects; `written`: handed to the system (survives kill -9), synced within 50 ms. */
  { readonly kind: "append"; readonly record: Durable; readonly durability: "synced" | "written" } | SendEffect;

export interface Core<Input, Effect> {
  /** Never throws on account of what a client or an execution server sent. */
  step(input: Input): Effect[];
  /** Monotonic milliseconds at which the core wants a tick; undefined when nothing is waiting. */
  readonly wakeAt: number | undefined;
}

/** Ordinal of a record in its journal, from 0. */
export type RecordNumber = number;

/** What replaying finds in the place of a record whose bytes on disk are not those that were written. */
export interface DamagedRecord {
  readonly kind: "damaged";
}

export const DAMAGED: DamagedRecord = { kind: "damaged" };

/** Inputs of a {@link CheckpointedCore} besides the common ones. */
export type CheckpointedInput<Durable> =
  /** First of all, if at all: what `checkpoint()` gave once, unchanged (the file's checksum was right). */
  | (Instant & { readonly kind: "restore"; readonly checkpoint: readonly Uint8Array[]; readonly through: RecordNumber })
  /** A batch of records, the first of which has the number `first`. */
  | (Instant & {
      readonly kind: "replay";
      readonly first: RecordNumber;
      readonly records: readonly (Durable | DamagedRecord)[];
    })
  /** Answers `readRecord`. Undefined: unreadable, or its checksum is wrong. */
  | (Instant & {
      readonly kind: "recordRead";
      readonly number: RecordNumber;
      readonly token: string;
      readonly record: Durable | undefined;
    })
  /** Answers `repairRecord`. Not ok: these are not the bytes that were journalled, or the disk refused them. */
  | (Instant & { readonly kind: "recordRepaired"; readonly number: RecordNumber; readonly ok: boolean });

/** Effects of a {@link CheckpointedCore} besides the common ones. They need not wait for earlier appends to be durable. */
export type CheckpointedEffect<Durable> =
  /** `token` comes back with the answer. `fresh`: from the disk and not from a cache of the journal (scrubbing). */
  | { readonly kind: "readRecord"; readonly number: RecordNumber; readonly token: string; readonly fresh: boolean }
  /** Writes a damaged record again in its place, if its bytes are those that the journal's hash chain binds. */
  | { readonly kind: "repairRecord"; readonly number: RecordNumber; readonly record: Durable };

export interface Checkpoint {
  /** The state is that after exactly the records below this number. */
  readonly through: RecordNumber;
  /** Plain bytes, not to be interpreted by whoever keeps them. */
  readonly parts: readonly Uint8Array[];
}

/** A core that opts in to checkpoints and to reading its journal back; told from others by having `checkpoint`. */
export interface CheckpointedCore<Input, Effect> extends Core<Input, Effect> {
  /** Cheap enough for every 100 000 records and at a clean stop. Undefined: not now (not started, or records damaged). */
  checkpoint(): Checkpoint | undefined;
}

/** SHA-256 and HMAC-SHA-256, injected so that cores import nothing. */
export interface Hasher {
  sha256(bytes: Uint8Array): Digest;
  /** HMAC-SHA-256 of the 32 bytes of `digest` under the 32-byte key given in hexadecimal. */
  hmac(keyHex: string, digest: Digest): Digest;
}

/** Seeded generator of numbers in [0, 1). */
export type Random = () => number;

/** Narrow helper: `send("state-master", name, message)`. */
export function send<Receiver extends keyof MessagesTo>(
  component: Receiver,
  to: ServerName,
  message: MessagesTo[Receiver],
): SendEffect {
  return { kind: "send", component, to, message } as SendEffect;
}

export type { AnyMessage };
