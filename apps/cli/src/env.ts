/** Environment of the command, parsed once; the only file of it that reads process.env. */
import { z } from "zod";

const schema = z.object({
  /** Data folder of the cluster; `--data` wins. */
  REDOUBT_DATA: z.string().min(1).optional(),
  REDOUBT_ADMIN_EMAIL: z.email("REDOUBT_ADMIN_EMAIL: an e-mail address expected").optional(),
  REDOUBT_ADMIN_PASSWORD: z.string().min(12, "REDOUBT_ADMIN_PASSWORD: at least 12 characters expected").optional(),
});

export interface CommandEnvironment {
  readonly data: string;
  readonly administrator: { readonly email?: string; readonly password?: string };
}

export function readEnvironment(): CommandEnvironment {
  const parsed = schema.safeParse(process.env);
  if (!parsed.success) throw new Error(parsed.error.issues.map((issue) => issue.message).join("; "));
  const { REDOUBT_DATA, REDOUBT_ADMIN_EMAIL, REDOUBT_ADMIN_PASSWORD } = parsed.data;
  return {
    data: REDOUBT_DATA ?? ".redoubt",
    administrator: {
      ...(REDOUBT_ADMIN_EMAIL === undefined ? {} : { email: REDOUBT_ADMIN_EMAIL }),
      ...(REDOUBT_ADMIN_PASSWORD === undefined ? {} : { password: REDOUBT_ADMIN_PASSWORD }),
    },
  };
}
