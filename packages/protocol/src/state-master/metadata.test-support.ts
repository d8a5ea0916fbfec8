/** The replicated state of the masters, without masters: commands in, decisions out, one slot after the other. */
import type { Slot } from "@redoubt/shared";
import { nodeHasher } from "../testing/hasher.test-support.ts";
import { HOLDER, MEMBERS, type TestChange } from "./changes.test-support.ts";
import type { MasterCommand, OpenEpochCommand } from "./commands.ts";
import { applyCommand } from "./metadata.ts";
import { type Applied, createMetadataState, type MetadataState } from "./metadata-state.ts";

export class MetadataRun {
  state: MetadataState = createMetadataState(nodeHasher);
  slot: Slot = 0;

  /** Applies commands in one slot of their own. */
  apply(...commands: MasterCommand[]): Applied {
    this.slot += 1;
    const applied: Applied = { decisions: [], versions: [], dead: [] };
    for (const command of commands) applyCommand(this.state, command, this.slot, applied);
    return applied;
  }

  settle(epoch: number, survivors: readonly TestChange[] = [], voided: readonly TestChange[] = []): MasterCommand {
    return {
      kind: "settle",
      epoch,
      asOf: this.slot,
      survivors: survivors.map(({ change }) => change),
      voided: voided.map(({ change: { digest, requestId, attempt } }) => ({ digest, requestId, attempt })),
    };
  }

  /** Epoch 1, opened and settled at once. */
  begin(): number {
    this.apply(opening(0));
    this.apply(this.settle(1));
    return 1;
  }
}

export const opening = (epochMax: number, wish: Partial<OpenEpochCommand> = {}): OpenEpochCommand => ({
  kind: "openEpoch",
  clusters: [{ from: 0, to: 0 }],
  epochMax,
  holder: HOLDER,
  members: MEMBERS,
  faultsTolerated: 1,
  invalid: [],
  ...wish,
});
export const verify = (...changes: TestChange[]): MasterCommand => ({
  kind: "verify",
  changes: changes.map(({ change }) => ({ change, testers: MEMBERS.slice(0, 2) })),
});
export const kinds = ({ decisions }: Applied): string[] => decisions.map(({ kind }) => kind);
