/** `@redoubt/application/test`: tries and attacks an application without a cluster. */
export * from "./arbitraries.ts";
export { type AttackOptions, attack } from "./attack/attack.ts";
export { attackFolder } from "./attack/folder.ts";
export type * from "./attack/types.ts";
export * from "./requests.ts";
export * from "./test-kit.ts";
