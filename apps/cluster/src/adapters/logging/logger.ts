/**
 * The log of a process: one line of JSON for each event, on stdout, which the supervisor has made the process's log file.
 *
 * Lines are written at once, not buffered: the last words before a kill -9 are those one wants to read. So nothing on the request
 * path logs at level "info" or above. Fields whose name says that they are secret are blanked, whatever a caller puts in them.
 */
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from "pino";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_FIELDS = ["key", "password", "token", "secret", "authorization", "cookie", "privateKeyPem"];

export interface LoggerOptions {
  /** The process's name in the cluster. */
  readonly name: string;
  readonly level: LogLevel;
  /** Fields of every line. */
  readonly fields?: Readonly<Record<string, string | number>>;
  /** Where the lines go; default stdout. */
  readonly stream?: DestinationStream;
}

/** Makes the logger of a process. Children (`log.child({…})`) share its stream. */
export function createLogger({ name, level, fields, stream }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { name, pid: process.pid, ...fields },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]),
        censor: "(secret)",
      },
    },
    stream ?? destination({ dest: 1, sync: true }),
  );
}
