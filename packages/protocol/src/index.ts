export * from "./application-port.ts";
export * from "./core.ts";
export * from "./digests.ts";
export * from "./quorum.ts";
export * from "./ranges.ts";
