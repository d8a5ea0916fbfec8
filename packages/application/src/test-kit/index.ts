/** `@redoubt/application/test`: tries an application without a cluster. */
export * from "./test-kit.ts";
