/** Drills: start one misbehaviour in the running cluster and read what was seen of it. */
import { z } from "zod";
import { identifierInput } from "../inputs.ts";
import { change, read, router } from "../trpc.ts";

const startInput = z.object({
  drill: z
    .string()
    .max(500)
    .regex(/^(ALL|[A-Z][0-9]{1,3}(,[A-Z][0-9]{1,3})*)$/, "expected names of drills, such as A1 or A1,F3, or ALL"),
});

export const drillProcedures = router({
  start: change("drill.start", startInput, ({ drill }) => ({ subject: drill })).mutation(({ ctx, input }) =>
    ctx.port.drillStart(input, ctx.actor),
  ),
  result: read("metadata.read")
    .input(z.object({ drillId: identifierInput }))
    .query(({ ctx, input }) => ctx.port.drillResult(input.drillId)),
});
