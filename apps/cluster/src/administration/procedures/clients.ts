/** Clients of the protected service: their keys are shown once, in the answer of `add`. */
import { z } from "zod";
import { change, read, router } from "../trpc.ts";

const clientName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, "expected lower-case letters, digits, '.', '_' or '-', at most 63 characters");
const addInput = z.object({ client: clientName, roles: z.array(z.string().min(1).max(63)).max(16).default([]) });
const revokeInput = z.object({ client: clientName });

export const clientProcedures = router({
  list: read("metadata.read").query(({ ctx }) => ctx.port.clients()),
  add: change("client.manage", addInput, ({ client }) => ({ subject: client })).mutation(({ ctx, input }) =>
    ctx.port.clientAdd(input, ctx.actor),
  ),
  revoke: change("client.manage", revokeInput, ({ client }) => ({ subject: client })).mutation(({ ctx, input }) =>
    ctx.port.clientRevoke(input, ctx.actor),
  ),
});
