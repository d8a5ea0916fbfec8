/**
 * What the parts of the primary share during one step: the replicated state to read, the clocks, and where to put what
 * they want done. Parts never touch each other's state; `primary.ts` connects them.
 */
import type { MessagesTo, ServerName, Slot } from "@redoubt/shared";
import { type SendEffect, send } from "../core.ts";
import type { MasterCommand } from "./commands.ts";
import type { MetadataState } from "./metadata-state.ts";

export class MasterContext {
  /** Replaced as a whole by a checkpoint or a snapshot, never while this master is the primary. */
  state: MetadataState;
  /** The databases of a majority are too far behind: nothing more is verified until they have caught up. */
  isHeldBack = false;
  now = 0;
  wall = 0;
  /** Everything up to this slot is in {@link state}. */
  applied: Slot = 0;
  #sends: SendEffect[] = [];
  #commands: MasterCommand[] = [];
  readonly #confirm: () => number;

  constructor(state: MetadataState, confirm: () => number) {
    this.state = state;
    this.#confirm = confirm;
  }

  /** Asks the other masters whether this one still leads; the number comes back confirmed, or never. */
  askForConfirmation(): number {
    return this.#confirm();
  }

  send<Receiver extends keyof MessagesTo>(component: Receiver, to: ServerName, message: MessagesTo[Receiver]): void {
    this.#sends.push(send(component, to, message));
  }

  /** Proposed at the end of the step; lost when this master stops being the primary, so whoever needs it asks again. */
  propose(command: MasterCommand): void {
    this.#commands.push(command);
  }

  takeSends(): SendEffect[] {
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  takeCommands(): MasterCommand[] {
    const commands = this.#commands;
    this.#commands = [];
    return commands;
  }
}

/** Times of the primary's duties, milliseconds. */
export const MASTER_TIMES = {
  /** Nothing that waits is looked at more often. */
  dutyMs: 20,
  /** Duties when nothing waits: signs of life to followers. */
  idleDutyMs: 100,
  /** Verified changes gathered into one command for at most this long. */
  verifyBatchMs: 2,
  promiseResendMs: 100,
  fenceResendMs: 100,
  /** A command without effect after this long is proposed again. */
  commandResendMs: 500,
  followerHeartbeatMs: 200,
  /** A member's undecided record of a request that is to be closed: after this long a new epoch decides it. */
  closingStuckMs: 1000,
  /** The regulator asks again every 300 ms; a closing nobody asks for is dropped. */
  closingForgottenMs: 10_000,
  /** Members report again every 500 ms; a reported change nobody repeats is dropped. */
  candidateForgottenMs: 10_000,
  /** Decided slots that a majority of the masters' databases has not taken in: beyond, the primary waits for them. */
  lagSlotsMax: 8192,
  /** Rows of the database that one question about old decisions is answered with, and when it is asked again. */
  lookupSlots: 256,
  lookupResendMs: 1000,
  /** Questions about unknown outcomes that wait for a confirmation of leadership, and for how long. */
  unconfirmedMax: 256,
  unconfirmedMs: 1000,
  /** Epochs that one member may cause by gaps and restarts: first pause, doubled each time, and the longest. */
  epochPauseMs: 250,
  epochPauseMsMax: 8_000,
  /** A replica this far behind is not admitted yet: it would hold up its first epoch. */
  joinerLagSlotsMax: 1_024,
} as const;
