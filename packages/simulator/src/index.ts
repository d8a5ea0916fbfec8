/** Seeded simulation of a whole cluster with the real cores (STYLE rules 11 and 12). */

export type { Violation } from "./observation.ts";
export { type AdversaryMix, runSeed, type SeedResult } from "./scenario.ts";
export { WORLDS } from "./worlds/index.ts";
