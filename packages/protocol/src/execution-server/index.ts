export * from "./execution-server.ts";
export * from "./types.ts";
