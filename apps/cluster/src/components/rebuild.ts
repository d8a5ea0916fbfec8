/** Tells how a master that lost its journal, its state or its database got them back: from when, how long, how much. */
import type { StateMaster } from "@redoubt/protocol";
import type { Logger } from "pino";
import type { MasterMetadata } from "./master-metadata.ts";

export class Rebuild {
  readonly #core: StateMaster;
  readonly #metadata: MasterMetadata;
  readonly #log: Logger;
  readonly #startedAt = performance.now();
  /** Milliseconds from the start until it counted; undefined before. */
  #ms: number | undefined;
  readonly #wasVoter: boolean;

  /** To be made once the journal is replayed. */
  constructor(core: StateMaster, metadata: MasterMetadata, log: Logger) {
    this.#core = core;
    this.#metadata = metadata;
    this.#log = log;
    this.#wasVoter = core.status().isVoter;
  }

  /** Zeros while nothing was rebuilt; for health reports, once a second. */
  counters(): Record<string, number> {
    const { isVoter, snapshotBytes, rowsAfter } = this.#core.status();
    const { rows, bytes } = this.#metadata.copied;
    const isComplete = isVoter && this.#metadata.appliedSlot >= rowsAfter;
    const wasNeeded = !this.#wasVoter || rows > 0;
    if (isComplete && wasNeeded && this.#ms === undefined) {
      this.#ms = Math.round(performance.now() - this.#startedAt);
      const rebuilt = { ms: this.#ms, stateBytes: snapshotBytes, rows, rowBytes: bytes };
      this.#log.info(rebuilt, "rebuilt from the other masters, and counted again");
    }
    return { rebuildMs: this.#ms ?? 0, rebuildStateBytes: snapshotBytes, rebuildRows: rows, rebuildRowBytes: bytes };
  }
}
