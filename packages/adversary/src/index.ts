export * from "./adversary.ts";
export * from "./execution-adversaries.ts";
export * from "./message-adversaries.ts";
export * from "./replica-adversaries.ts";
export * from "./shell-adversaries.ts";
