/**
 * The tRPC foundation of the administration interface: every procedure is built from `read` or `change`, and both check the
 * permission first, so there is no way to write one that forgets to. `change` records the request in the audit log after its input
 * was found valid and before the procedure's own code runs (I12); when the entry cannot be written, nothing happens.
 */
import { initTRPC, TRPCError } from "@trpc/server";
import superjson from "superjson";
import { ZodError, type ZodType } from "zod";
import type { EventFeed } from "./feed.ts";
import { isAllowed, type Permission, permissions } from "./permissions.ts";
import { type Actor, AdministrationError, type AdministrationErrorCode, type AdministrationPort } from "./port.ts";

export interface AdministrationContext {
  /** Null when the caller showed no valid token. */
  actor: Actor | null;
  port: AdministrationPort;
  feed: EventFeed;
}

export interface ProcedureMeta {
  permission: Permission;
  audited: boolean;
}

const detailLengthMax = 4096;
/** Input fields that are never written to the audit log. */
const secretFields: ReadonlySet<string> = new Set(["code", "key", "password", "secret"]);

const trpcCodes = {
  "not-found": "NOT_FOUND",
  invalid: "BAD_REQUEST",
  conflict: "CONFLICT",
  refused: "PRECONDITION_FAILED",
  unavailable: "SERVICE_UNAVAILABLE",
} as const satisfies Record<AdministrationErrorCode, TRPCError["code"]>;

const t = initTRPC
  .context<AdministrationContext>()
  .meta<ProcedureMeta>()
  .create({
    transformer: superjson,
    isDev: false,
    errorFormatter({ shape, error }) {
      const fields = fieldsAtFault(error.cause);
      const { stack: _stack, ...data } = shape.data;
      const message = describe(error, fields);
      return { ...shape, message, data: { ...data, fields } };
    },
  });

export interface FieldAtFault {
  field: string;
  expected: string;
}

function fieldsAtFault(cause: unknown): FieldAtFault[] {
  if (cause instanceof ZodError) {
    return cause.issues.map((issue) => ({ field: issue.path.join(".") || "input", expected: issue.message }));
  }
  if (cause instanceof AdministrationError && cause.field !== null) {
    return [{ field: cause.field, expected: cause.message }];
  }
  return [];
}

function describe(error: TRPCError, fields: FieldAtFault[]): string {
  if (error.cause instanceof ZodError) return fields.map(({ field, expected }) => `${field}: ${expected}`).join("; ");
  if (error.code === "INTERNAL_SERVER_ERROR") return "The manager failed to answer; its log says why.";
  return error.message;
}

/** Turns the port's own failures into answers; everything else stays an internal error without detail. */
const translateFailures = t.middleware(async ({ next }) => {
  const result = await next();
  if (!result.ok && result.error.cause instanceof AdministrationError) {
    const { cause } = result.error;
    throw new TRPCError({ code: trpcCodes[cause.code], message: cause.message, cause });
  }
  return result;
});

const authorise = t.middleware(({ ctx, meta, next }) => {
  if (ctx.actor === null) throw new TRPCError({ code: "UNAUTHORIZED", message: "Log in first." });
  // Default deny: a procedure without a permission is nobody's.
  if (meta === undefined) throw new TRPCError({ code: "FORBIDDEN", message: "Nobody may do this." });
  if (!isAllowed(ctx.actor.role, meta.permission)) {
    const allowed = permissions[meta.permission].join(", ");
    const message = `Your role (${ctx.actor.role}) may not do this; it takes one of: ${allowed}.`;
    throw new TRPCError({ code: "FORBIDDEN", message });
  }
  return next({ ctx: { ...ctx, actor: ctx.actor } });
});

const guarded = t.procedure.use(translateFailures).use(authorise);

/** A procedure that changes nothing. */
export function read(permission: Permission) {
  return guarded.meta({ permission, audited: false });
}

/** What an audit entry says a change is about. */
interface Described {
  subject: string;
  reason?: string | undefined;
}

/** A procedure that changes something: authorised, input checked, audited, and only then run. */
export function change<Schema extends ZodType>(
  permission: Permission,
  schema: Schema,
  describeChange: (input: Schema["_output"]) => Described,
) {
  return guarded
    .meta({ permission, audited: true })
    .input(schema)
    .use(async ({ ctx, input, path, next }) => {
      const { subject, reason } = describeChange(input as Schema["_output"]);
      const detail = JSON.stringify(input, hideSecrets).slice(0, detailLengthMax);
      await ctx.port.audit({ actor: ctx.actor, action: path, subject, reason: reason ?? null, detail });
      return next();
    });
}

function hideSecrets(key: string, value: unknown): unknown {
  return secretFields.has(key) ? "•••" : value;
}

export const router = t.router;
