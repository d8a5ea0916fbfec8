export * from "./degree-plan.ts";
export { countForFaults, type DegreeStatus as GroupStatus, degreeStatus } from "./degree-status.ts";
export * from "./fact-outcome.ts";
export * from "./placement.ts";
