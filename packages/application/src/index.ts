export * from "./acceptance/record.ts";
export * from "./contract/access.ts";
export * from "./contract/contract-json.ts";
export * from "./contract/refusal-problem.ts";
export * from "./contract/template.ts";
