export type { Answer, CallOptions, Client, ClientOptions, Held, NoAnswer, Outcome, RequestStatus } from "./client.ts";
export { createClient } from "./client.ts";
export { type LoadOperation, type LoadOptions, type LoadResult, type LoadSummary, quantile, runLoad } from "./load.ts";
