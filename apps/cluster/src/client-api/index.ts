export * from "./client-api.ts";
export type { ValidatedInput } from "./request-input.ts";
