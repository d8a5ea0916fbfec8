export * from "./acceptance-worker.ts";
export * from "./execution-frames.ts";
export * from "./execution-pool.ts";
export * from "./sandbox.ts";
