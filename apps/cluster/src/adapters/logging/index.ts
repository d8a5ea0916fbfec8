/** The log of a process; see logger.ts. */
export type { Logger } from "pino";
export { createLogger, LOG_LEVELS, type LoggerOptions, type LogLevel } from "./logger.ts";
