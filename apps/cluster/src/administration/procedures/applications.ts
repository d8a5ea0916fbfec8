/** Versions of the application: look, check, deploy a bundle that lies on the manager's node, roll back in one step. */
import { z } from "zod";
import { hashInput, reasonInput } from "../inputs.ts";
import { change, read, router } from "../trpc.ts";

const TRIAL_REQUESTS_DEFAULT = 1_000;

const deployInput = z.object({
  hash: hashInput,
  /** Requests after which the version counts as proven (PROTOCOL §10). */
  trialRequests: z
    .int("expected a whole number")
    .min(0, "expected 0 or more")
    .max(1_000_000, "expected at most 1 000 000")
    .default(TRIAL_REQUESTS_DEFAULT),
  reason: reasonInput,
});
const rollbackInput = z.object({
  /** The version to go back to; the one before the current one where it is not named. */
  to: hashInput.optional(),
  reason: reasonInput,
});

export const applicationProcedures = router({
  status: read("metadata.read").query(({ ctx }) => ctx.port.applications()),
  check: read("metadata.read")
    .input(z.object({ hash: hashInput }))
    .query(({ ctx, input }) => ctx.port.applicationCheck(input)),
  deploy: change("application.deploy", deployInput, ({ hash, reason }) => ({ subject: hash, reason })).mutation(
    ({ ctx, input }) => ctx.port.applicationDeploy(input, ctx.actor),
  ),
  rollback: change("application.rollback", rollbackInput, ({ to, reason }) => ({
    subject: to ?? "previous version",
    reason,
  })).mutation(({ ctx, input }) => ctx.port.applicationRollback(input, ctx.actor)),
});
