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
