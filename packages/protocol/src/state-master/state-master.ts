import type { StateMaster, StateMasterConfiguration, StateMasterDependencies } from "./types.ts";

export declare function createStateMaster(
  dependencies: StateMasterDependencies,
  configuration: StateMasterConfiguration,
): StateMaster;
