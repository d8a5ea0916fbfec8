/** The parts of one acceptance test server, as its rules see them. No rules here. */
import type { Applications } from "../applications.ts";
import type { Candidates } from "./candidates.ts";
import type { EpochTable } from "./epochs.ts";
import type { ShadowRuns } from "./shadow-runs.ts";
import type {
  AcceptanceTestServerConfiguration,
  AcceptanceTestServerDependencies,
  AcceptanceTestServerEffect,
} from "./types.ts";

export interface Turn {
  readonly now: number;
  readonly effects: AcceptanceTestServerEffect[];
}

export interface Engine {
  readonly dependencies: AcceptanceTestServerDependencies;
  readonly applications: Applications;
  readonly configuration: AcceptanceTestServerConfiguration;
  readonly epochs: EpochTable;
  readonly candidates: Candidates;
  readonly shadows: ShadowRuns;
  /** Candidates that something is due for at a time: being fetched, or to be sent again. */
  readonly timed: Set<string>;
  followAt: number;
  checkAt: number | undefined;
}
