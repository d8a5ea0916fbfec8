export * from "./client-api.ts";
