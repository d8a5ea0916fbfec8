export * from "./acceptance-test-server.ts";
export * from "./types.ts";
