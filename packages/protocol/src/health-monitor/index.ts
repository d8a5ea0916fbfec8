export * from "./failure-detector.ts";
export * from "./report-changes.ts";
export * from "./server-state.ts";
