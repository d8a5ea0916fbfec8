export * from "./bundle-application.ts";
export * from "./load-application.ts";
export * from "./openapi.ts";
export * from "./validators.ts";
