export * from "./adversary.ts";
export * from "./catalogue.ts";
export * from "./colluding-replicas.ts";
export * from "./conspiracy.ts";
export * from "./execution-adversaries.ts";
export * from "./message-adversaries.ts";
export { whisper } from "./multicast-adversaries.ts";
export * from "./replica-adversaries.ts";
export * from "./together.ts";
