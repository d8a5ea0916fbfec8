export { createTrafficRegulator } from "./regulator.ts";
export * from "./types.ts";
