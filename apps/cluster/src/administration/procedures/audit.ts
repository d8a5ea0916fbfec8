/** The audit log: read and verify. Nothing here can change or delete an entry. */
import { z } from "zod";
import { limitInput } from "../inputs.ts";
import { read, router } from "../trpc.ts";

export const auditProcedures = router({
  list: read("audit.read")
    .input(z.object({ limit: limitInput, before: z.int().positive().optional() }))
    .query(({ ctx, input }) => ctx.port.auditList(input)),
  verify: read("audit.read").mutation(({ ctx }) => ctx.port.auditVerify()),
});
