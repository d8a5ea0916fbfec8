/** The console's environment, parsed once; the only place that reads process.env. Not read while building, only when serving. */
import { z } from "zod";

const schema = z.object({
  PORT: z.coerce.number().int().min(1).max(65_535).default(7401),
  /** PostgreSQL of the log-in database; its loss stops only log-in. */
  AUTH_DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "expected a postgresql:// URL" }),
  /** Signs cookies and encrypts the token keys at rest. */
  BETTER_AUTH_SECRET: z.string().min(32, "expected at least 32 characters"),
  /** The console's own address as people type it. 127.0.0.1 and localhost at the same port are accepted as well. */
  BETTER_AUTH_URL: z.url({ protocol: /^https?$/, error: "expected an http or https URL" }),
  /** Path of DATA/run/endpoints.json, read again for every request because the manager's primary may move. */
  REDOUBT_ENDPOINTS: z.string().min(1, "expected the path of endpoints.json"),
  /** First administrator, created when there is no user at all. */
  REDOUBT_ADMIN_EMAIL: z.email("expected an e-mail address").optional(),
  REDOUBT_ADMIN_PASSWORD: z.string().min(12, "expected at least 12 characters").optional(),
});

export type Environment = z.infer<typeof schema>;

let parsed: Environment | null = null;

/** @throws Error naming each variable at fault and what was expected */
export function environment(): Environment {
  if (parsed === null) {
    const result = schema.safeParse(process.env);
    if (!result.success) {
      const faults = result.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
      throw new Error(`The console cannot start. ${faults.join("; ")}`);
    }
    parsed = result.data;
  }
  return parsed;
}

/**
 * What runs before the server answers; null in the runtime without Node, for which Next compiles start-up code as well. It is here
 * because the compiler only drops the import when it sees the variable itself.
 */
export const loadStartUp = process.env.NEXT_RUNTIME === "nodejs" ? () => import("./server/first-administrator") : null;
