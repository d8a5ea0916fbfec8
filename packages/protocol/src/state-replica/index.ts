export { isSameState } from "./checkpoint.ts";
export type { ObjectVersion, VersionStatus } from "./object-store.ts";
export * from "./state-replica.ts";
export * from "./types.ts";
