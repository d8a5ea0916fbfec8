/** What the cluster holds against attackers and what went wrong: blocked hosts, signatures, incidents. */
import { z } from "zod";
import { limitInput, nameInput, reasonInput } from "../inputs.ts";
import { change, read, router } from "../trpc.ts";

const unblockInput = z.object({ host: nameInput, reason: reasonInput });

export const hostProcedures = router({
  list: read("metadata.read").query(({ ctx }) => ctx.port.hosts()),
  unblock: change("host.unblock", unblockInput, ({ host, reason }) => ({ subject: host, reason })).mutation(
    ({ ctx, input }) => ctx.port.hostUnblock(input, ctx.actor),
  ),
});

export const signatureProcedures = router({
  list: read("metadata.read").query(({ ctx }) => ctx.port.signatures()),
});

export const incidentProcedures = router({
  list: read("metadata.read")
    .input(z.object({ limit: limitInput, openOnly: z.boolean().default(false) }))
    .query(({ ctx, input }) => ctx.port.incidents(input)),
});
