/**
 * The one message an execution server may send the manager, checked before anything of it is used: its sender is
 * untrusted, so everything is bounded and nothing it claims of others counts (I11).
 */
import {
  ATTEMPT_TARGET_LENGTH_MAX,
  ATTEMPTS_PER_REPORT_MAX,
  attemptActs,
  attemptWitnesses,
  SERVER_CONDITIONS,
  type ServerHealthMessage,
} from "@redoubt/shared";
import { z } from "zod";

const COUNTERS_MAX = 200;
const PROCESSES_MAX = 64;
const VIOLATIONS_MAX = 64;
const APPLICATIONS_MAX = 256;

const attempt = z.object({
  at: z.number(),
  act: z.enum(attemptActs),
  target: z.string().max(ATTEMPT_TARGET_LENGTH_MAX),
  witness: z.enum(attemptWitnesses),
  operation: z.string().min(1).max(200).nullable(),
  requestId: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  count: z.int().positive().max(1_000_000),
});

const schema = z.object({
  kind: z.literal("serverHealth"),
  server: z.string().min(1).max(64),
  incarnation: z.string().max(64),
  pid: z.int().positive(),
  ready: z.boolean(),
  role: z.string().max(40),
  counters: z
    .record(z.string().max(100), z.number())
    .refine((counters) => Object.keys(counters).length <= COUNTERS_MAX, "too many counters"),
  processes: z.array(z.object({ name: z.string().min(1).max(96), pid: z.int().positive() })).max(PROCESSES_MAX),
  violations: z
    .array(z.object({ at: z.number(), peer: z.string().max(200), reason: z.string().max(500) }))
    .max(VIOLATIONS_MAX),
  applications: z.array(z.string().max(64)).max(APPLICATIONS_MAX).optional(),
  condition: z.enum(SERVER_CONDITIONS).optional(),
  confinement: z.object({ means: z.array(z.string().max(80)).max(12), sentence: z.string().max(500) }).optional(),
  attempts: z.array(attempt).max(ATTEMPTS_PER_REPORT_MAX).optional(),
});

/** Undefined when it is not what a server may say of itself. */
export function parseServerHealth(message: unknown, sender: string): ServerHealthMessage | undefined {
  const parsed = schema.safeParse(message);
  if (!parsed.success || parsed.data.server !== sender) return undefined;
  if (!sender.startsWith("execution-server-")) return { ...parsed.data, confinement: undefined, attempts: undefined };
  // It may name its own workers and nobody else's processes, accuse nobody, and is not believed about its disk.
  const processes = parsed.data.processes.filter(({ name }) => name.startsWith(`${sender}/`));
  return { ...parsed.data, processes, violations: [], condition: undefined };
}
