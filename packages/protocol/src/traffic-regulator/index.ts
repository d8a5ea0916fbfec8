export { BREAKER_PRINCIPALS } from "./breaker.ts";
export { isSameState as isSameRegulatorState } from "./checkpoint.ts";

export { RERUN_KEY_PREFIX } from "./orders.ts";
export { PROBLEM_TYPE_BASE, type ProblemName, type ProblemOptions, problemResponse } from "./problems.ts";
export { createTrafficRegulator } from "./regulator.ts";
export * from "./types.ts";
